# SPDX-License-Identifier: GPL-3.0-or-later
"""A strip's own file: where it is, which of its seconds are shown, and when reading it directly would be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ...errors import MediaError
from .. import compat
from .place import StripPlace, volume_is_animated

_PLAIN_RIFF = (b"WAVE", b"AIFF", b"AIFC")
_WHOLE = 1e-3


def media_path(strip: Any) -> Path:
    """Absolute path of a sound or movie strip's file. Raises :class:`MediaError` where it is not there."""
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


def media_rate(strip: Any, fps: float) -> float:
    """Strip frames per second of media, in a scene of ``fps``.

    Sound keeps its speed. A movie shows one of its pictures per scene frame, so that a 25 fps clip in a 24 fps scene
    lasts longer than its sound; or, where it was added as Blender's interface adds it, it is played at its own speed.
    """
    if strip.type != "MOVIE":
        return fps
    own = float(strip.fps) or fps
    return fps if _plays_at_own_speed(strip, own, fps) else own


def needs_mixing(place: StripPlace) -> str:
    """Why a sound strip's file does not tell what is played of it; empty where it does."""
    strip = place.strip
    if place.metas:
        return "it lies in a meta strip"
    if is_retimed(strip):
        return "it is retimed"
    if abs(getattr(strip, "sound_offset", 0.0)) > 0.0:
        return "its sound is offset"
    if any(abs(value - round(value)) > _WHOLE for value in _offsets(strip)):
        return "it lies between frames"
    if volume_is_animated(place.scene, strip):
        return "its volume is animated"
    if not has_plain_sound(media_path(strip)):
        return "its file has a clock of its own"
    # before 4.4 Blender does not tell of a sound strip's retiming
    return "" if hasattr(strip, "retiming_keys") else "its speed is not known"


def has_plain_sound(path: Path) -> bool:
    """Whether a file's seconds are the seconds that Blender plays: WAVE, AIFF, FLAC and Opus, whatever its name says.

    These begin at their first sample and have no holes. Others are not so: Blender plays an mp3's beginning 23 ms
    early, and trimmed up to 80 ms late.
    """
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError:
        return False
    riff = head[:4] in (b"RIFF", b"RF64", b"FORM")
    return head[:4] == b"fLaC" or (riff and head[8:12] in _PLAIN_RIFF) or (head[:4] == b"OggS" and b"OpusHead" in head)


def is_retimed(strip: Any) -> bool:
    """Whether it has retiming keys; sound strips tell since 4.4."""
    return len(getattr(strip, "retiming_keys", ())) > 0


def refuse_retimed(strip: Any) -> None:
    """Refuse a strip whose speed is changed by keys or by a speed effect. Raises :class:`MediaError`."""
    effects = [s for s in compat.sequencer_strips(strip.id_data) if s.type == "SPEED" and s.input_1 == strip]
    if effects:
        raise MediaError(
            f'The strip "{strip.name}" runs under the speed effect "{effects[0].name}".',
            "Choose a strip at its own speed, or bake the speed change into a file.",
        )
    if is_retimed(strip):
        raise MediaError(
            f'The strip "{strip.name}" is retimed.', "Reset its retiming, or bake the speed change into a file."
        )


def _offsets(strip: Any) -> tuple[float, ...]:
    return (
        compat.strip_content_start(strip),
        compat.strip_trimmed_frames(strip),
        compat.strip_left_offset(strip),
    )


def _plays_at_own_speed(strip: Any, own: float, fps: float) -> bool:
    """The flag for it is not in RNA: the strip's length beside the clip's own count of pictures tells."""
    if abs(own - fps) < 0.01:
        return False
    clips = bpy.data.movieclips
    known = set(clips)
    try:
        clip = clips.load(str(media_path(strip)))
    except RuntimeError:
        return False
    pictures = clip.frame_duration
    if clip not in known:
        clips.remove(clip)
    length = compat.strip_media_frames(strip)
    # Blender rounds to whole frames
    return abs(length - pictures * fps / own) < abs(length - pictures)
