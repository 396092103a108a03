# SPDX-License-Identifier: GPL-3.0-or-later
"""How many speech units, and how much each latent dimension counts: both from who is told apart by their matrices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.audio.decode import load_speech
from core.face.motion import INTERNAL_FPS
from core.models.pose.prior import style_latents
from core.models.pose.units import SpeechUnits, fit_units, frame_features
from core.models.pose.vq import PoseVq
from core.models.speech.encoder import SpeechEncoder
from core.pose.style_matrix import StyleMatrix, matrix_distance, style_matrix
from research.training.pose.data import PoseClip

UNIT_COUNTS = (64, 128, 256, 512)
QUERY_SECONDS = 10.0
MAX_UNIT_FRAMES = 30_000


@dataclass(frozen=True, slots=True)
class Retrieved:
    """top1: share of held-out stretches whose nearest matrix is their own person's, every person counting the same."""

    top1: float
    chance: float
    stretches: int
    per_person: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class UnitChoice:
    """The units taken, and the retrieval with each number of them."""

    units: SpeechUnits
    retrieved: dict[int, Retrieved]

    def describe(self) -> str:
        """A line for the terminal."""
        tried = ", ".join(f"{count}: {found.top1:.2f}" for count, found in self.retrieved.items())
        chance = next(iter(self.retrieved.values())).chance
        return f"{len(self.units)} speech units (right person first, by number of units: {tried}; chance {chance:.2f})"


def unit_frames(clips: Sequence[PoseClip], speech: Sequence[Path], encoder: SpeechEncoder) -> NDArray[np.float32]:
    """(N, D) features at 25 fps of the clips and of further recordings, thinned evenly to at most 30,000."""
    parts = [frame_features(clip.heard.features) for clip in clips]
    parts += [frame_features(encoder.encode(load_speech(path))) for path in speech]
    frames = np.concatenate(parts)
    return frames[:: max(len(frames) // MAX_UNIT_FRAMES, 1)]


def choose_units(
    clips: Sequence[PoseClip], vq: PoseVq, frames: NDArray[np.float32], encoder_hash: str, seed: int
) -> UnitChoice:
    """The number of units with which half of each person's recordings best finds the other half; ties: the larger."""
    latents = [style_latents(vq, clip.head) for clip in clips]
    tried = {}
    for count in (number for number in UNIT_COUNTS if number <= len(frames)):
        units = fit_units(frames, count, encoder_hash, seed)
        tried[count] = (units, split_half_retrieval(clips, latents, units))
    best = max(tried, key=lambda count: (round(tried[count][1].top1, 3), count))
    return UnitChoice(tried[best][0], {count: found for count, (_, found) in tried.items()})


def split_half_retrieval(
    clips: Sequence[PoseClip], latents: Sequence[NDArray[np.float32]], units: SpeechUnits
) -> Retrieved:
    """Matrices of one half of every person's recordings, asked for by stretches of 10 s from the other, both ways."""
    pieces = [
        _Piece(clip.person, clip.lively, units.assign(clip.heard.features)[: len(own)], own)
        for clip, own in zip(clips, latents, strict=True)
    ]
    people = sorted({piece.person for piece in pieces})
    hits: dict[str, list[bool]] = {person: [] for person in people}
    for half in (0, 1):
        known = {person: list(_half([p for p in pieces if p.person == person], half)) for person in people}
        scale = fisher_scale([np.concatenate([piece.latents for piece in own]) for own in known.values()])
        bank = {person: _matrix(own, len(units)) for person, own in known.items()}
        for person in people:
            asked = list(_half([p for p in pieces if p.person == person], 1 - half))
            for stretch in _stretches(asked):
                matrix = _matrix(stretch, len(units))
                distance = {name: matrix_distance(matrix, other, scale) for name, other in bank.items()}
                hits[person].append(min(distance, key=lambda name: (distance[name], name)) == person)
    per_person = {person: float(np.mean(own)) for person, own in hits.items() if own}
    return Retrieved(
        top1=float(np.mean(list(per_person.values()))),
        chance=1.0 / len(people),
        stretches=sum(map(len, hits.values())),
        per_person=per_person,
    )


def fisher_scale(latents: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """(d,) spread of people's means over variance within people, for (T, d) latents of each; its largest is 1.

    Fisher's weights on a diagonal: what tells people apart counts, what merely varies does not. One person: all equal.
    """
    if len(latents) < 2:
        return np.ones(latents[0].shape[1], np.float32)
    between = np.std([own.mean(axis=0) for own in latents], axis=0)
    within = np.mean([own.var(axis=0) for own in latents], axis=0)
    scale = between / np.maximum(within, 1e-6)
    return (scale / max(float(scale.max()), 1e-9)).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    person: str
    lively: bool
    units: NDArray[np.int64]
    latents: NDArray[np.float32]

    def cut(self, first: int, last: int) -> _Piece:
        return _Piece(self.person, self.lively, self.units[first:last], self.latents[first:last])


def _half(pieces: Sequence[_Piece], half: int) -> Iterator[_Piece]:
    """Half of every long recording; of many short ones, half of them."""
    if len(pieces) > 2:
        middle = len(pieces) // 2
        yield from pieces[:middle] if half == 0 else pieces[middle:]
        return
    for piece in pieces:
        middle = len(piece.units) // 2
        yield piece.cut(0, middle) if half == 0 else piece.cut(middle, len(piece.units))


def _stretches(pieces: Sequence[_Piece]) -> Iterator[list[_Piece]]:
    """About 10 s each: parts of a long recording, or several short ones together."""
    frames = round(QUERY_SECONDS * INTERNAL_FPS)
    together: list[_Piece] = []
    for piece in pieces:
        if len(piece.units) >= frames:
            for first in range(0, len(piece.units) - frames + 1, frames // 2):
                yield [piece.cut(first, first + frames)]
            continue
        together.append(piece)
        if sum(len(p.units) for p in together) >= frames:
            yield together
            together = []
    if together and len(together) == len(pieces):
        yield together


def _matrix(pieces: Sequence[_Piece], count: int) -> StyleMatrix:
    units = np.concatenate([piece.units for piece in pieces])
    return style_matrix(units, np.concatenate([piece.latents for piece in pieces]), count)
