# SPDX-License-Identifier: GPL-3.0-or-later
"""Short digests of what a line is made from: the sound as the edit plays it, and the rig. Changes nothing.

They are cheap, so that the state of hundreds of lines can be told at once: a strip that Blender would have to mix
down is told by what it is mixed from, and a file is read again only when its time or size has changed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from ...errors import MediaError
from ...weights import file_hash
from .. import compat
from ..armature import find_armature
from ..correspond import PROPERTIES as BINDING_PROPERTIES
from ..read_mesh import key_positions
from ..read_scene import scene_fps
from ..rig_choice import chosen_bones, chosen_keys
from ..strips.media import media_path
from ..strips.place import StripPlace, places, volume_is_animated

# a meta strip may hold a scene strip whose scene holds this one
_DEEPEST = 6


@dataclass(slots=True)
class FileDigests:
    """Content of files, each read once for every time and size that it had."""

    _known: dict[tuple[str, int, int], str] = field(default_factory=dict)

    def of(self, path: Path) -> str:
        """Hex digest of the content. Raises :class:`MediaError` where the file cannot be read."""
        try:
            status = path.stat()
            key = (str(path), status.st_mtime_ns, status.st_size)
            if key not in self._known:
                self._known[key] = file_hash(path)
        except OSError as error:
            raise MediaError(
                f"The file {path} cannot be read ({error.strerror or error}).", "Find it again."
            ) from error
        return self._known[key]


def digest(value: Any) -> str:
    """Of anything that JSON can hold."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=12).hexdigest()


def strips_digest(chosen: list[StripPlace], files: FileDigests) -> str:
    """Of what is played of strips together, wherever they lie in the edit. Raises :class:`MediaError`."""
    left = min(place.span[0] for place in chosen)
    return digest([_strip(place, left, files, 0) for place in sorted(chosen, key=lambda place: place.strip.name)])


def character_digest(obj: bpy.types.Object) -> str:
    """Of the shapes of the keys, the bones at rest, and what was chosen by hand: more than a solve needs."""
    found = hashlib.blake2b(digest_size=12)
    keys, armature = obj.data.shape_keys, find_armature(obj)
    for block in keys.key_blocks if keys is not None else ():
        found.update(block.name.encode())
        found.update(key_positions(block).tobytes())
    bones = []
    if armature is not None:
        modes = {bone.name: bone.rotation_mode for bone in armature.pose.bones}
        bones = [
            (bone.name, bone.parent.name if bone.parent else "", modes[bone.name], _rest(bone))
            for bone in armature.data.bones
        ]
    by_hand = [dict(chosen_bones(obj, armature)), dict(chosen_keys(obj))]
    binding = [list(obj.data[name]) for name in BINDING_PROPERTIES[:1] if name in obj.data]
    found.update(digest([bones, by_hand, binding]).encode())
    return found.hexdigest()


def _rest(bone: Any) -> list[float]:
    return [round(value, 6) for row in bone.matrix_local for value in row]


def _strip(place: StripPlace, left: float, files: FileDigests, depth: int) -> dict[str, Any]:
    strip, fps = place.strip, scene_fps(place.scene)
    first, last = place.span
    values: dict[str, Any] = {
        "type": strip.type,
        "at": _seconds(first - left, fps),
        "lasts": _seconds(last - first, fps),
        "trimmed": _seconds(first + compat.strip_trimmed_frames(strip) - compat.strip_content_start(strip), fps),
    }
    if strip.type == "META":
        inside = [p for p in places(place.scene) if p.metas and p.metas[-1] == strip]
        values["inside"] = _together(inside, left, files, depth)
    elif strip.type == "SCENE":
        inside = [] if strip.scene is None else [p for p in places(strip.scene) if not p.metas]
        values["inside"] = _together(inside, float(strip.scene.frame_start) if strip.scene else 0.0, files, depth)
    else:
        values["file"] = files.of(media_path(strip))
    values["changes"] = [
        round(float(getattr(strip, "sound_offset", 0.0)), 5),
        round(float(getattr(strip, "fps", 0.0)), 4),
        [[_seconds(key.timeline_frame - first, fps)] for key in getattr(strip, "retiming_keys", ())],
        _volume_keys(place, first),
    ]
    return values


def _together(inside: list[StripPlace], left: float, files: FileDigests, depth: int) -> list[dict[str, Any]]:
    if depth >= _DEEPEST:
        return []
    audible = [p for p in inside if p.strip.type in ("SOUND", "META", "SCENE", "MOVIE") and not p.strip.mute]
    return [
        {**_strip(p, left, files, depth + 1), "volume": round(float(getattr(p.strip, "volume", 1.0)), 4)}
        for p in sorted(audible, key=lambda p: p.strip.name)
        if p.span[1] > p.span[0]
    ]


def _volume_keys(place: StripPlace, first: float) -> list[list[float]]:
    if not volume_is_animated(place.scene, place.strip):
        return []
    ending = f'["{bpy.utils.escape_identifier(place.strip.name)}"].volume'
    curves = [curve for curve in compat.owner_curves(place.scene) if curve.data_path.endswith(ending)]
    return [[round(k.co[0] - first, 3), round(k.co[1], 4)] for curve in curves for k in curve.keyframe_points]


def _seconds(frames: float, fps: float) -> float:
    return round(frames / fps, 4)
