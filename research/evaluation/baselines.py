# SPDX-License-Identifier: GPL-3.0-or-later
"""Simple ways to move a face, fitted on the training people, that any network has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.audio.speech import Speech
from core.face.basis import FaceBasis, open_basis
from core.face.motion import EXPRESSION_SIZE, INTERNAL_FPS, MOTION_SIZE, Motion
from core.face.rotations import FloatArray
from core.tracking.sync import loudness
from research.corpus.clips import KNOWN_TALKER, Clip, load_tracked, training_clips
from research.training.motion_data import MotionPair, load_pair

KNOWN_TALKER_CLIPS = 60
LOUDNESS_LEVELS = 12
LOUDNESS_RANGE_DB = 50.0


class System(Protocol):
    """Anything that turns a clip's speech into motion; None where it cannot."""

    @property
    def name(self) -> str: ...

    def motion(self, clip: Clip, speech: Speech) -> Motion | None: ...


def face_motion(vectors: FloatArray, basis: FaceBasis) -> Motion:
    """(T, 53) expression and jaw to a :class:`Motion` with head and gaze at rest."""
    values = np.asarray(vectors, np.float32)
    frames = len(values)
    return Motion(
        fps=INTERNAL_FPS,
        expression=values[:, :EXPRESSION_SIZE],
        jaw=values[:, EXPRESSION_SIZE:],
        head=np.zeros((frames, 3), np.float32),
        gaze=np.zeros((frames, 2, 2), np.float32),
        basis_name=basis.name,
        basis_hash=basis.hash,
    )


def frame_count(speech: Speech) -> int:
    """Frames at 25 fps that cover the speech."""
    return max(int(np.ceil(speech.seconds * INTERNAL_FPS)), 1)


@dataclass(frozen=True, slots=True)
class ConstantFace:
    """Never moves: the person's own resting face."""

    name: str = "constant face"

    def motion(self, clip: Clip, speech: Speech) -> Motion | None:
        """Zeros."""
        return face_motion(np.zeros((frame_count(speech), MOTION_SIZE)), open_basis())


@dataclass(frozen=True, slots=True, eq=False)
class MeanTalker:
    """The mean motion of the training people at each loudness: ``table`` (levels, 53), quiet to loud."""

    table: NDArray[np.float64]
    name: str = "mean talker"

    def motion(self, clip: Clip, speech: Speech) -> Motion | None:
        """Looks every frame's loudness up, with linear blending between levels."""
        return face_motion(self.vectors(relative_loudness(speech, frame_count(speech))), open_basis())

    def vectors(self, level: FloatArray) -> NDArray[np.float64]:
        """(T,) loudness in 0..1 to (T, 53)."""
        position = np.clip(np.asarray(level, np.float64), 0, 1) * (len(self.table) - 1)
        low = np.minimum(position.astype(int), len(self.table) - 2)
        blend = (position - low)[:, None]
        return (1 - blend) * self.table[low] + blend * self.table[low + 1]

    @classmethod
    def fit(cls, samples: Sequence[FittingClip]) -> MeanTalker:
        """Least squares for the table's rows, every person counting the same."""
        rows = [_hat_weights(relative_loudness(item.speech, len(item.pair.motion))) for item in samples]
        table = weighted_least_squares(rows, [item.pair.motion for item in samples], person_weights(samples))
        return cls(table)


@dataclass(frozen=True, slots=True, eq=False)
class FittingClip:
    """A training clip with its tracked motion and its sound."""

    pair: MotionPair
    speech: Speech


def fitting_clips(clips: Sequence[Clip] | None = None) -> list[FittingClip]:
    """What baselines are fitted on: the network's training people, the one with 50 minutes thinned out."""
    chosen = _thinned(training_clips()) if clips is None else list(clips)
    basis = open_basis()
    pairs = ((clip, load_pair(clip, basis)) for clip in chosen)
    return [FittingClip(pair, load_tracked(clip).speech) for clip, pair in pairs if pair is not None]


def _thinned(clips: Sequence[Clip]) -> list[Clip]:
    known = [clip for clip in clips if clip.person == KNOWN_TALKER]
    step = max(len(known) // KNOWN_TALKER_CLIPS, 1)
    return [clip for clip in clips if clip.person != KNOWN_TALKER] + known[::step]


def relative_loudness(speech: Speech, frames: int) -> NDArray[np.float64]:
    """(frames,) 0 at 50 dB under the clip's peak, 1 at its peak."""
    level = loudness(speech, INTERNAL_FPS, frames)
    return np.clip((level - level.max()) / LOUDNESS_RANGE_DB + 1.0, 0.0, 1.0)


def person_weights(samples: Sequence[FittingClip]) -> list[float]:
    """One weight per clip, so that every person has the same say however long they spoke."""
    total: dict[str, int] = {}
    for item in samples:
        total[item.pair.clip.person] = total.get(item.pair.clip.person, 0) + len(item.pair.motion)
    return [1.0 / total[item.pair.clip.person] for item in samples]


def weighted_least_squares(
    rows: Sequence[FloatArray], targets: Sequence[FloatArray], weights: Sequence[float], ridge: float = 1e-4
) -> NDArray[np.float64]:
    """(K, D) solution of rows (T, K) @ x = targets (T, D) over all clips, each clip with its weight."""
    size, width = np.asarray(rows[0]).shape[1], np.asarray(targets[0]).shape[1]
    gram, right = ridge * np.eye(size), np.zeros((size, width))
    for row, target, weight in zip(rows, targets, weights, strict=True):
        frames = min(len(row), len(target))
        part = np.asarray(row[:frames], np.float64)
        gram += weight * part.T @ part
        right += weight * part.T @ np.asarray(target[:frames], np.float64)
    solution: NDArray[np.float64] = np.linalg.solve(gram, right)
    return solution


def _hat_weights(level: FloatArray) -> NDArray[np.float64]:
    distance = np.abs(np.asarray(level)[:, None] * (LOUDNESS_LEVELS - 1) - np.arange(LOUDNESS_LEVELS)[None])
    return np.maximum(1.0 - distance, 0.0)
