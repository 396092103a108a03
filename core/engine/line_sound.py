# SPDX-License-Identifier: GPL-3.0-or-later
"""The sound of a line: decoded, and put where Blender plays it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..exchange.media_range import MediaRange
from ..exchange.request import MotionRequest

if TYPE_CHECKING:
    from ..audio.speech import Speech


def load_line(request: MotionRequest, progress: Callable[[float], None] = lambda fraction: None) -> Speech:
    """The sound of a request. Raises :class:`MediaError`, also for silence."""
    from ..audio.decode import load_speech, require_sound

    media = request.audio
    speech = load_speech(media.path, media.start_seconds, media.end_seconds, media.track, progress)
    if media.playback is not None:
        speech = _as_played(speech, media, media.playback)
    if not request.listener:
        require_sound(speech)
    return speech


def _as_played(speech: Speech, media: MediaRange, playback: MediaRange) -> Speech:
    from ..audio.decode import load_speech
    from ..audio.playback import as_played

    def later(seconds: float) -> Speech:
        end = None if media.end_seconds is None else media.end_seconds + seconds
        return load_speech(media.path, media.start_seconds + seconds, end, media.track)

    return as_played(speech, load_speech(playback.path, playback.start_seconds), later, media.end_seconds is None)
