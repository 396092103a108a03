# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a .blend for the command line, finds its character, adds the sound, and saves it whole or not at all."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..errors import MimeshError, RigError, SettingsError
from ..exchange.media_range import MediaRange
from .compat import sequencer_strips, set_strip_left, set_strip_right, strip_right, strips_of
from .read_rig import read_rig

# film rates are told rounded: 23.976 is 24000/1001
_NTSC_BASE = 1.001
# custom property of the strips that we made
_TAG = "mimesh"


@dataclass(frozen=True, slots=True)
class SoundPlacement:
    """first_frame: where the speech's first sample sounds, a fraction of a frame exact; note: what went wrong.

    last_frame: where the strip ends, None without one.
    """

    first_frame: float
    note: str = ""
    last_frame: float | None = None


def open_blend(path: Path) -> bpy.types.Scene:
    """Open a file and return its scene. Raises :class:`RigError`."""
    if not path.is_file():
        raise RigError(f"The file {path} does not exist.", "Choose the .blend that holds the character.")
    try:
        bpy.ops.wm.open_mainfile(filepath=str(path.absolute()), load_ui=False)
    except RuntimeError as error:
        raise RigError(f"Blender cannot open {path} ({str(error).strip()}).", "Save it with this version.") from error
    scene = bpy.context.scene
    if scene is None:
        raise RigError(f"The file {path} has no scene.", "Open the .blend that holds the character.")
    return scene


def open_scene(name: str | None) -> bpy.types.Scene:
    """The scene called so in the file that is open, or the present one. Raises :class:`RigError`."""
    found = bpy.data.scenes.get(name) if name is not None else bpy.context.scene
    if found is None:
        present = ", ".join(sorted(scene.name for scene in bpy.data.scenes))
        raise RigError(f'The file has no scene "{name}" (present: {present}).', "Name one of them with --scene.")
    return found


def find_character(name: str | None) -> str:
    """Name of the mesh to key: ``name``, or the only one that can carry the motion. Raises :class:`RigError`."""
    if name is not None:
        return name
    usable: list[str] = []
    refusals: list[RigError] = []
    meshes = [obj for obj in bpy.data.objects if obj.type == "MESH"]
    for obj in meshes:
        try:
            usable.append(read_rig(obj).object_name)
        except RigError as error:
            refusals.append(error)
    if len(usable) == 1:
        return usable[0]
    if usable:
        raise RigError(f"Several meshes could carry the motion: {', '.join(usable)}.", "Name one with --object.")
    if len(refusals) == 1:
        raise refusals[0]
    raise RigError(
        f"None of the file's {len(meshes)} meshes has expression keys.", "Open the .blend that holds the character."
    )


def set_frame_rate(scene: bpy.types.Scene, fps: float) -> None:
    """Set the scene's rate, also the broadcast ones such as 23.976 and 29.97."""
    if not 1.0 <= fps <= 240.0:
        raise SettingsError(f"The frame rate is {fps:g}; it must lie between 1 and 240.")
    whole = round(fps)
    if abs(fps - whole) < 1e-3:
        scene.render.fps, scene.render.fps_base = whole, 1.0
    elif abs(fps * _NTSC_BASE - round(fps * _NTSC_BASE)) < 2e-3:
        scene.render.fps, scene.render.fps_base = round(fps * _NTSC_BASE), _NTSC_BASE
    else:
        scene.render.fps, scene.render.fps_base = whole, whole / fps


def place_sound(scene: bpy.types.Scene, audio: MediaRange, at: float | None = None) -> SoundPlacement:
    """Put the speech into the sequencer at ``at``, else the scene's first frame, in place of an earlier one of ours.

    Strips are trimmed by whole frames, so a range may begin within the first frame. Builds of Blender
    without sound (the bpy 4.2 wheel) say so in the note; the keys do not need it.
    """
    rate = scene.render.fps / scene.render.fps_base
    start = audio.start_seconds * rate
    skipped = int(start)
    left = scene.frame_start if at is None else round(at)
    first_frame = left + start - skipped
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strips = strips_of(editor)
    for old in [strip for strip in strips if _TAG in strip]:
        strips.remove(old)
    channel = 1 + max((strip.channel for strip in sequencer_strips(scene)), default=0)
    try:
        strip = strips.new_sound("Mimesh speech", str(audio.path.absolute()), channel, left - skipped)
    except RuntimeError as error:
        return SoundPlacement(first_frame, f"The sound is not in the sequencer ({str(error).strip()}).")
    strip[_TAG] = "speech"
    _trim(strip, left, None if audio.end_seconds is None else audio.end_seconds * rate - start)
    last_frame = strip_right(strip)
    scene.frame_end = max(scene.frame_end, round(last_frame))
    return SoundPlacement(first_frame, last_frame=last_frame)


def _trim(strip: Any, left: int, frames: float | None) -> None:
    set_strip_left(strip, left)
    if frames is not None:
        set_strip_right(strip, left + math.ceil(frames))


def save_blend(path: Path) -> None:
    """Save a copy under ``path``, replacing a file there only when the new one is complete."""
    partial = path.absolute().with_name(f".{path.stem}.{os.getpid()}.blend")
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(partial), copy=True, relative_remap=True)
        partial.replace(path)
    except (RuntimeError, OSError) as error:
        raise MimeshError(
            f"The file {path} cannot be written ({str(error).strip()}).", "Choose another place."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
