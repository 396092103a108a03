# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of head and speech to train PoseGPT on, every one with a manner of its own.

Few heads have been recorded, and a network learns them by heart in no time. So every window is varied anew: amplitude
as a whole and per axis, tempo, mirror, resting tilt, nods on stress, and part of another head's motion mixed in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.models.pose.speech_steps import speech_steps
from core.models.pose.vq import PoseVq
from core.pose.statistics import RESTING, SPEECH_STATISTICS, pose_statistics
from research.training.pose.data import PoseClip, Variation, cut, varied
from research.training.pose.prior import LIVELY_SHARE, MIXED_SHARE

# a window is cut out of a stretch of this length, whose statistics are its style
STRETCH_STEPS = 64
# clips of a calm talker that a style is measured on
CALM_CLIPS = 4
UNKNOWN_SPEECH_SHARE = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class GptBatch:
    """latents (B, N, d), speech (B, N, S), statistics (B, 21) with NaN for the unknown, present (B, N)."""

    latents: Tensor
    speech: Tensor
    statistics: Tensor
    present: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """head (frames, 3) and its speech steps, both filled up to the window; steps: how many are real."""

    head: NDArray[np.float32]
    speech: NDArray[np.float32]
    statistics: NDArray[np.float32]
    steps: int


class PoseGptWindows:
    """Draws batches of equally long rows: long ones of lively speakers, or more and shorter ones of calm talkers."""

    def __init__(self, clips: Sequence[PoseClip], vq: PoseVq, batch: int, window_steps: int) -> None:
        self._vq, self._stride = vq, vq.config.frames_per_step
        self._lively = [clip for clip in clips if clip.lively]
        calm = [clip for clip in clips if not clip.lively]
        self._calm = [[c for c in calm if c.person == person] for person in sorted({c.person for c in calm})]
        # an 8 s clip must not count as much as a minute of another
        weight = np.sqrt([len(clip.head) for clip in self._lively])
        self._weight = weight / max(weight.sum(), 1e-9)
        self._batch, self._steps = batch, window_steps
        # in steps, of calm talkers and of lively ones
        self._longest = [
            -(-max([len(c.head) for c in pool], default=0) // self._stride) for pool in (calm, self._lively)
        ]

    def draw(self, rng: np.random.Generator) -> GptBatch:
        """The same generator state gives the same batch."""
        lively = bool(self._lively) and (not self._calm or rng.random() < LIVELY_SHARE)
        window = min(self._steps, self._longest[lively])
        count = self._batch * self._steps // window
        rows = [self._lively_row(window, rng) if lively else self._calm_row(window, rng) for _ in range(count)]
        with torch.no_grad():
            latents = self._vq.encode(torch.from_numpy(np.stack([row.head for row in rows])))
        steps = np.array([row.steps for row in rows])
        return GptBatch(
            latents,
            torch.from_numpy(np.stack([row.speech for row in rows])),
            torch.from_numpy(np.stack([row.statistics for row in rows])),
            torch.from_numpy(np.arange(window) < steps[:, None]),
        )

    def _lively_row(self, window: int, rng: np.random.Generator) -> _Row:
        clip = self._lively[rng.choice(len(self._lively), p=self._weight)]
        manner = draw_variation(True, rng)
        stretch = _random_part(clip, round(STRETCH_STEPS * self._stride * manner.tempo) + 2, rng)
        if rng.random() < MIXED_SHARE:
            stretch = mixed(stretch, self._lively[rng.integers(len(self._lively))], rng)
        stretch = varied(stretch, manner)
        statistics = pose_statistics([stretch.head], [stretch.heard.loudness])
        return self._row(_random_part(stretch, window * self._stride, rng), statistics, manner, window, rng)

    def _calm_row(self, window: int, rng: np.random.Generator) -> _Row:
        own = self._calm[rng.integers(len(self._calm))]
        manner = draw_variation(False, rng)
        clips = [varied(own[i], manner) for i in rng.choice(len(own), min(CALM_CLIPS, len(own)), replace=False)]
        statistics = pose_statistics([clip.head for clip in clips], [clip.heard.loudness for clip in clips])
        # coding may begin at any frame of a step
        first = int(rng.integers(self._stride))
        return self._row(cut(clips[0], first, len(clips[0].head)), statistics, manner, window, rng)

    def _row(
        self,
        clip: PoseClip,
        statistics: NDArray[np.float64],
        manner: Variation,
        window: int,
        rng: np.random.Generator,
    ) -> _Row:
        clip = cut(clip, 0, window * self._stride)
        speech = speech_steps(clip.heard, self._stride)
        missing = window * self._stride - len(clip.head)
        style = statistics.astype(np.float32)
        # the manner's resting tilt, not where the head happened to be for some seconds
        style[RESTING] = np.degrees(manner.tilt_radians)
        if rng.random() < UNKNOWN_SPEECH_SHARE:
            style[-SPEECH_STATISTICS:] = np.nan
        return _Row(
            np.pad(clip.head, ((0, missing), (0, 0)), mode="edge"),
            np.pad(speech, ((0, window - len(speech)), (0, 0)), mode="edge"),
            style,
            min(len(clip.head) // self._stride, window),
        )


def draw_variation(lively: bool, rng: np.random.Generator) -> Variation:
    """A random manner; heads that were held still are only ever moved more."""
    tilt = rng.normal(0.0, 0.025 if lively else 0.01, 3)
    nods = rng.uniform(0.0, np.radians(4.0) if lively else np.radians(1.5)) if rng.random() < 0.4 else 0.0
    amplitude = np.exp(rng.uniform(np.log(0.45), np.log(1.7)) if lively else rng.uniform(0.0, np.log(3.0)))
    axes = np.exp(rng.normal(0.0, 0.2, 3))
    return Variation(
        amplitude=round(float(amplitude), 2),
        axes=(round(float(axes[0]), 2), round(float(axes[1]), 2), round(float(axes[2]), 2)),
        tempo=round(float(np.exp(rng.uniform(np.log(0.85), np.log(1.2)))), 2),
        mirrored=bool(rng.random() < 0.5),
        tilt_radians=(float(tilt[0]), float(tilt[1]), float(tilt[2])),
        nod_radians=float(nods),
    )


def mixed(clip: PoseClip, other: PoseClip, rng: np.random.Generator) -> PoseClip:
    """``clip`` with part of another head's motion, its axes exchanged, on top: the speech stays."""
    head = np.pad(other.head, ((0, max(len(clip.head) - len(other.head), 0)), (0, 0)), mode="reflect")
    first = int(rng.integers(len(head) - len(clip.head) + 1))
    added = np.roll(head[first : first + len(clip.head)], rng.integers(3), axis=1)
    share = rng.uniform(-1.0, 1.0, 3)
    # about its own mean: the head must not come to rest elsewhere
    return dataclasses.replace(clip, head=(clip.head + share * (added - added.mean(axis=0))).astype(np.float32))


def _random_part(clip: PoseClip, frames: int, rng: np.random.Generator) -> PoseClip:
    first = int(rng.integers(max(len(clip.head) - frames, 0) + 1))
    return cut(clip, first, first + frames)
