# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the discrete pose prior: windows of head motion, varied on purpose, through the codebooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.face.rotations import matrix_from_rotvec, rotvec_from_matrix
from core.models.pose.vq import POSE_UNIT_RADIANS, PoseVq, VqConfig
from research.training.loop import Chance, Schedule, TrainingRun
from research.training.pose.code_search import CodedHead, code_head
from research.training.pose.data import PoseClip

# share of windows from speakers whose head moves freely, whatever the share of recordings
LIVELY_SHARE = 0.8
# of windows that two heads' motions go into
MIXED_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class PriorSettings:
    """Windows are ``window_frames`` at 25 fps; weights are of the velocity's and acceleration's L1."""

    steps: int = 2500
    batch: int = 32
    window_frames: int = 128
    learning_rate: float = 2e-3
    velocity_weight: float = 0.5
    acceleration_weight: float = 0.25
    commitment: float = 0.1
    seed: int = 20261122

    def schedule(self) -> Schedule:
        """Cosine to the end."""
        return Schedule.to_the_end(self.steps, self.learning_rate, weight_decay=0.01, save_every=100, seed=self.seed)


class PoseWindows:
    """Draws windows of head motion, each one with a random variation."""

    def __init__(self, clips: Sequence[PoseClip]) -> None:
        self._pools = [pool for pool in ([c for c in clips if c.lively], [c for c in clips if not c.lively]) if pool]
        self._weights = [np.array([len(clip.head) for clip in pool], np.float64) for pool in self._pools]

    def draw(self, count: int, frames: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """(count, frames, 3) radians."""
        return np.stack([self._window(frames, rng) for _ in range(count)])

    def _window(self, frames: int, rng: np.random.Generator) -> NDArray[np.float32]:
        window, lively = self._one(frames, rng)
        if rng.random() < MIXED_SHARE:
            # manners that nobody here has: part of one head's motion in the axes of another's
            other, _ = self._one(frames, rng)
            window = window + rng.uniform(0.0, 1.0, 3) * np.roll(other, rng.integers(3), axis=1)
        return vary_window(window, lively, rng)

    def _one(self, frames: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], bool]:
        which = 0 if len(self._pools) == 1 or rng.random() < LIVELY_SHARE else 1
        weights = self._weights[which]
        clip = self._pools[which][rng.choice(len(weights), p=weights / weights.sum())]
        tempo = rng.uniform(0.8, 1.25)
        needed = int(np.ceil(frames * tempo)) + 2
        head = clip.head
        if len(head) < needed:
            # there and back again: longer without a seam
            head = np.pad(head, ((0, needed - len(head)), (0, 0)), mode="reflect")
        first = rng.integers(len(head) - needed + 1)
        position = np.arange(frames) * tempo
        low = position.astype(int)
        blend = (position - low)[:, None]
        return (1 - blend) * head[first + low] + blend * head[first + low + 1], clip.lively


def vary_window(window: NDArray[np.floating], lively: bool, rng: np.random.Generator) -> NDArray[np.float32]:
    """Amplitude as a whole and per axis, mirror, direction of time, resting tilt."""
    amplitude = np.exp(rng.uniform(np.log(0.45), np.log(2.2)) if lively else rng.uniform(0.0, np.log(4.0)))
    gains = amplitude * np.exp(rng.normal(0.0, 0.15, 3))
    if rng.random() < 0.5:
        gains = gains * np.array([1.0, -1.0, -1.0])
    if rng.random() < 0.5:
        window = window[::-1]
    tilt = rng.normal(0.0, 0.25 if lively else 0.08, 3) * POSE_UNIT_RADIANS * amplitude
    return (window * gains + tilt).astype(np.float32)


class PriorLoss:
    """L1 on the rotation, its velocity and acceleration, and the latent's pull towards its code."""

    def __init__(self, clips: Sequence[PoseClip], settings: PriorSettings) -> None:
        self._windows, self._settings = PoseWindows(clips), settings

    def __call__(self, network: nn.Module, chance: Chance) -> Tensor:
        settings = self._settings
        head = torch.from_numpy(self._windows.draw(settings.batch, settings.window_frames, chance.rng))
        output = network(head)
        error = (output.head - head) / POSE_UNIT_RADIANS
        velocity = torch.diff(error, dim=1)
        acceleration = torch.diff(velocity, dim=1)
        pull = functional.mse_loss(output.latent, output.quantised.vectors.detach())
        total: Tensor = (
            error.abs().mean()
            + settings.velocity_weight * velocity.abs().mean()
            + settings.acceleration_weight * acceleration.abs().mean()
            + settings.commitment * pull
        )
        return total


def train_prior(clips: Sequence[PoseClip], settings: PriorSettings, config: VqConfig, name: str) -> PoseVq:
    """Train, resuming from the checkpoint of ``name`` where there is one."""
    torch.manual_seed(settings.seed)
    return TrainingRun(PoseVq(config), settings.schedule(), name).train(PriorLoss(clips, settings)).eval()


@dataclass(frozen=True, slots=True)
class PriorScore:
    """How well codes hold a head's motion.

    degrees: mean angle between a head and what its codes decode to; plain_degrees: with the codes that the encoder
    alone would take. used, perplexity: of each level's codes.
    """

    degrees: float
    plain_degrees: float
    used: tuple[float, ...]
    perplexity: tuple[float, ...]


def score_prior(prior: PoseVq, heads: Sequence[NDArray[np.float32]]) -> PriorScore:
    """Over all frames of (T, 3) heads."""
    coded = [code_head(prior, head) for head in heads]
    plain = [code_head(prior, head, passes=0) for head in heads]
    codes = np.concatenate([one.codes for one in coded])
    return PriorScore(_mean_angle(heads, coded), _mean_angle(heads, plain), *code_use(codes, prior.config.codes))


def _mean_angle(heads: Sequence[NDArray[np.float32]], coded: Sequence[CodedHead]) -> float:
    """Degrees."""
    rebuilt = matrix_from_rotvec(np.concatenate([one.head for one in coded]))
    wanted = matrix_from_rotvec(np.concatenate(heads))
    between = rotvec_from_matrix(np.swapaxes(wanted, 1, 2) @ rebuilt)
    return float(np.degrees(np.linalg.norm(between, axis=1)).mean())


def code_use(codes: NDArray[np.int64], count: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Share of codes that occur at all, and exp(entropy) of their use, for each level of (N, levels) codes."""
    used, perplexity = [], []
    for level in codes.T:
        share = np.bincount(level, minlength=count) / max(len(level), 1)
        present = share[share > 0]
        used.append(len(present) / count)
        perplexity.append(float(np.exp(-(present * np.log(present)).sum())))
    return tuple(used), tuple(perplexity)
