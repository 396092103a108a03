# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech of any length in bounded memory: pieces of minutes, each spoken on its own, cross-faded where they meet."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..audio.speech import SAMPLE_RATE, Speech
from ..face.motion import INTERNAL_FPS, Motion
from .resting import frame_count

if TYPE_CHECKING:
    from .backends.head import HeadMotion

# speech up to this length is one piece
PIECE_SECONDS = 300.0
# how long two pieces overlap
OVERLAP_SECONDS = 2.0
# how far from an even share a cut may move to a pause
_SEARCH_SECONDS = 10.0
_SAMPLES_PER_FRAME = round(SAMPLE_RATE / INTERNAL_FPS)
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """``speech`` from frame ``first`` of the whole (25 fps), for ``frames`` frames."""

    speech: Speech
    first: int
    frames: int


def pieces_of(speech: Speech) -> tuple[Piece, ...]:
    """Pieces that overlap by :data:`OVERLAP_SECONDS` at quiet moments; a short speech is its own only piece.

    No sample is copied.
    """
    frames = frame_count(speech)
    count = max(int(np.ceil(speech.seconds / PIECE_SECONDS)), 1)
    if count == 1:
        return (Piece(speech, 0, frames),)
    half = round(OVERLAP_SECONDS * INTERNAL_FPS / 2)
    cuts = [0, *(_quiet_frame(speech, frames * k // count) for k in range(1, count)), frames]
    pieces = []
    for first, last in itertools.pairwise(cuts):
        begin, end = max(first - half, 0), min(last + half, frames)
        samples = speech.samples[begin * _SAMPLES_PER_FRAME : end * _SAMPLES_PER_FRAME]
        start = speech.start_seconds + begin / INTERNAL_FPS
        piece = dataclasses.replace(speech, samples=samples, start_seconds=start, notes=())
        pieces.append(Piece(piece, begin, end - begin))
    return tuple(pieces)


def speak_in_pieces(speak: Callable[[Speech, Progress], Motion], speech: Speech, progress: Progress) -> Motion:
    """The motion of the whole speech by an engine that is given one piece after the other."""
    pieces = pieces_of(speech)
    if len(pieces) == 1:
        return speak(speech, progress)
    motions = [speak(piece.speech, _part_of(progress, k, len(pieces))) for k, piece in enumerate(pieces)]
    names = ("expression", "jaw", "head", "gaze")
    return motions[0].replace(**{name: joined([getattr(m, name) for m in motions], pieces) for name in names})


def move_head_in_pieces(
    generate: Callable[[Piece, int, Progress], HeadMotion], speech: Speech, progress: Progress
) -> HeadMotion:
    """The head of the whole speech; ``generate`` is told the number of the piece, so that no two move alike."""
    pieces = pieces_of(speech)
    if len(pieces) == 1:
        return generate(pieces[0], 0, progress)
    heads = [generate(piece, k, _part_of(progress, k, len(pieces))) for k, piece in enumerate(pieces)]
    return dataclasses.replace(heads[0], head=joined([head.head for head in heads], pieces))


def joined(parts: Sequence[NDArray[np.float32]], pieces: Sequence[Piece]) -> NDArray[np.float32]:
    """(T, ...) of the whole from (t, ...) of each piece; weights in the overlap sum to one."""
    total = pieces[-1].first + pieces[-1].frames
    whole = np.zeros((total, *parts[0].shape[1:]), np.float32)
    for k, (part, piece) in enumerate(zip(parts, pieces, strict=True)):
        before = pieces[k - 1].first + pieces[k - 1].frames - piece.first if k else 0
        after = piece.first + piece.frames - pieces[k + 1].first if k + 1 < len(pieces) else 0
        weight = np.ones(piece.frames, np.float32)
        weight[:before] = _rise(before)
        weight[piece.frames - after :] = _rise(after)[::-1]
        shaped = weight.reshape(-1, *([1] * (part.ndim - 1)))
        whole[piece.first : piece.first + piece.frames] += shaped * part[: piece.frames]
    return whole


def _rise(frames: int) -> NDArray[np.float32]:
    """(frames,) from near 0 to near 1 along a raised cosine; with its reverse it sums to one."""
    middle = (np.arange(frames) + 0.5) / max(frames, 1)
    return (0.5 - 0.5 * np.cos(np.pi * middle)).astype(np.float32)


def _quiet_frame(speech: Speech, near: int) -> int:
    """The frame about ``near`` around which the sound of the overlap is weakest."""
    reach, half = round(_SEARCH_SECONDS * INTERNAL_FPS), round(OVERLAP_SECONDS * INTERNAL_FPS / 2)
    first = near - reach - half
    part = speech.samples[first * _SAMPLES_PER_FRAME : (near + reach + half) * _SAMPLES_PER_FRAME]
    power = (part.reshape(-1, _SAMPLES_PER_FRAME) ** 2).mean(axis=1)
    loudness = np.convolve(power, np.ones(2 * half), "valid")
    return first + half + int(loudness.argmin())


def _part_of(progress: Progress, number: int, count: int) -> Progress:
    return lambda fraction: progress((number + fraction) / count)
