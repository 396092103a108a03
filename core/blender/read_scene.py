# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the sequencer: which strips there are, and which seconds of which file they show. Main thread only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import bpy

from ..errors import MediaError
from . import compat

StripKind = Literal["sound", "movie"]
_KINDS: dict[str, StripKind] = {"SOUND": "sound", "MOVIE": "movie"}
_RATE_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class StripInfo:
    """A strip to choose from. label: for a menu."""

    name: str
    kind: StripKind
    channel: int
    label: str


@dataclass(frozen=True, slots=True)
class StripRange:
    """Seconds [start, end) of a file; first_frame: scene frame (fractional) at which ``start_seconds`` sounds."""

    path: Path
    kind: StripKind
    start_seconds: float
    end_seconds: float
    first_frame: float
    last_frame: float
    warnings: tuple[str, ...] = ()


def scene_fps(scene: bpy.types.Scene) -> float:
    """True frames per second: 30 / 1.001 is 29.97."""
    return float(scene.render.fps / scene.render.fps_base)


def list_strips(scene: bpy.types.Scene) -> tuple[StripInfo, ...]:
    """Sound and movie strips, in the order of the timeline."""
    strips = [strip for strip in compat.sequencer_strips(scene) if strip.type in _KINDS]
    strips.sort(key=lambda strip: (compat.strip_left(strip), strip.channel))
    return tuple(
        StripInfo(strip.name, _KINDS[strip.type], strip.channel, f"{strip.name} (channel {strip.channel})")
        for strip in strips
    )


def find_strip(scene: bpy.types.Scene, name: str) -> Any:
    """The strip of this name. Raises :class:`MediaError` naming those that are there."""
    strips = {strip.name: strip for strip in compat.sequencer_strips(scene) if strip.type in _KINDS}
    if name not in strips:
        present = ", ".join(sorted(strips)) or "none"
        raise MediaError(
            f'The sequencer of "{scene.name}" has no sound or movie strip "{name}" (present: {present}).',
            "Choose a strip in the Mimesh panel.",
        )
    return strips[name]


def read_strip_range(strip: Any, scene: bpy.types.Scene) -> StripRange:
    """What the strip plays, trim honoured. Raises :class:`MediaError` for what cannot be read as plain seconds."""
    if strip.type not in _KINDS:
        raise MediaError(f'"{strip.name}" is not a sound or movie strip.', "Choose another strip.")
    _refuse_retimed(strip, scene)
    left, right = compat.strip_left(strip), compat.strip_right(strip)
    rate = _media_rate(strip, scene)
    lead = compat.strip_trimmed_frames(strip) - compat.strip_content_start(strip)
    start = (left + lead) / rate
    if start < 0:
        # a strip pulled out beyond its media holds the first frame; there is no sound there
        left -= start * rate
        start = 0.0
    if right <= left:
        raise MediaError(f'The strip "{strip.name}" shows no part of its file.', "Pull its handles over the media.")
    return StripRange(
        path=_media_path(strip),
        kind=_KINDS[strip.type],
        start_seconds=start,
        end_seconds=start + (right - left) / rate,
        first_frame=left,
        last_frame=right,
        warnings=_warnings(strip, rate, scene),
    )


def _media_rate(strip: Any, scene: bpy.types.Scene) -> float:
    """Strip frames per second of media.

    Sound keeps its speed; a movie shows one picture per scene frame, whatever its own rate, so a 25 fps clip in a
    24 fps scene lasts longer than its sound.
    """
    if strip.type == "MOVIE":
        return float(strip.fps) or scene_fps(scene)
    return scene_fps(scene)


def _media_path(strip: Any) -> Path:
    library = strip.id_data.library
    if strip.type == "MOVIE":
        stored = strip.filepath
    elif strip.sound is None:
        raise MediaError(f'The strip "{strip.name}" has no sound file.', "Choose another strip.")
    else:
        stored, library = strip.sound.filepath, strip.sound.library
    path = Path(bpy.path.abspath(stored, library=library))
    if path.is_file():
        return path
    if strip.type == "SOUND" and strip.sound.packed_file is not None:
        raise MediaError(
            f'The sound of "{strip.name}" is packed into the .blend file.',
            "Unpack it (File > External Data > Unpack Resources) and try again.",
        )
    raise MediaError(
        f'The file of "{strip.name}" is missing: {path}.', "Find it with File > External Data > Find Missing Files."
    )


def _refuse_retimed(strip: Any, scene: bpy.types.Scene) -> None:
    effects = [s for s in compat.sequencer_strips(scene) if s.type == "SPEED" and s.input_1 == strip]
    if effects:
        raise MediaError(
            f'The strip "{strip.name}" runs under the speed effect "{effects[0].name}".',
            "Choose a strip at its own speed, or bake the speed change into a file.",
        )
    # sound strips have no such list before 4.4
    if len(getattr(strip, "retiming_keys", ())):
        raise MediaError(
            f'The strip "{strip.name}" is retimed.', "Reset its retiming, or bake the speed change into a file."
        )


def _warnings(strip: Any, rate: float, scene: bpy.types.Scene) -> tuple[str, ...]:
    found: list[str] = []
    if strip.mute:
        found.append(f'The strip "{strip.name}" is muted: it is used, but left out of playback.')
    if strip.type == "MOVIE" and abs(rate - scene_fps(scene)) > _RATE_TOLERANCE:
        found.append(
            f'The movie "{strip.name}" has {rate:g} fps and is played at the scene\'s {scene_fps(scene):g}; '
            "its picture and sound drift apart in the sequencer."
        )
    return tuple(found)
