# SPDX-License-Identifier: GPL-3.0-or-later
"""How Blender plays the beginning of a sound file, so that the engine can put its keys where the sound is."""

from __future__ import annotations

import contextlib
import hashlib
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np

from ...errors import MediaError
from ...exchange.media_range import MediaRange
from .. import compat
from .media import has_plain_sound
from .mix_down import can_mix_down, mix_down

# enough to find the sound in the file; mixed on from the beginning while all is silent
_FIRST_SECONDS = 20.0
_LONGEST_SECONDS = 320.0
_SILENCE_PEAK = 33


def with_playback(media: MediaRange, scene: bpy.types.Scene) -> MediaRange:
    """The range with Blender's playback of its beginning in a scene of this frame rate.

    Unchanged where the file's own clock is Blender's, or Blender cannot play it. Nothing is left in the file.
    """
    if has_plain_sound(media.path) or not can_mix_down():
        return media
    rate = scene.render.fps / scene.render.fps_base
    # strips are trimmed by whole frames
    skipped = int(media.start_seconds * rate)
    try:
        with _alone(media.path, scene, skipped) as (alone, strip):
            recording = _recording(alone, strip.name, compat.strip_right(strip) - 1, rate)
    except (MediaError, RuntimeError):
        return media
    if recording is None:
        return media
    return replace(media, playback=MediaRange(recording, media.start_seconds - skipped / rate))


@contextlib.contextmanager
def _alone(path: Path, scene: bpy.types.Scene, skipped: int) -> Iterator[tuple[bpy.types.Scene, bpy.types.Strip]]:
    """The file as a strip of a scene of its own, from frame 1 on; gone afterwards."""
    sounds = set(bpy.data.sounds)
    alone = bpy.data.scenes.new("Mimesh sound")
    try:
        alone.render.fps, alone.render.fps_base = scene.render.fps, scene.render.fps_base
        editor = alone.sequence_editor_create()
        # the mix is named after it
        name = f"{path.stem[:20]} {hashlib.sha256(f'{path} {skipped}'.encode()).hexdigest()[:8]}"
        strip = compat.strips_of(editor).new_sound(name, str(path.absolute()), 1, 1 - skipped)
        compat.set_strip_left(strip, 1)
        yield alone, strip
    finally:
        bpy.data.batch_remove([alone, *(sound for sound in bpy.data.sounds if sound not in sounds)])


def _recording(alone: bpy.types.Scene, name: str, frames: float, rate: float) -> Path | None:
    seconds = _FIRST_SECONDS
    while True:
        last = 1 + round(min(seconds * rate, max(frames, 1)))
        path = mix_down(alone, frozenset([name]), 1, last)
        if _sounds(path):
            return path
        if seconds * rate >= frames or seconds >= _LONGEST_SECONDS:
            return None
        seconds *= 4


def _sounds(path: Path) -> bool:
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    return bool(len(samples)) and int(np.abs(samples.astype(np.int32)).max()) > _SILENCE_PEAK
