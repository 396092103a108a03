# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that teach the shipped one how free speech looks: what the mean of short trainings says of read speech.

A long training learns GRID's sentences by heart and loses free speech (EXPERIMENTS.md). Short ones keep it but read
GRID less well, and err in different places: those that saw re-timed faces are better on one free speaker, those that
saw GRID alone on others. Their mean speaks an hour of read English by hundreds of voices; the student learns from that
beside the filmed faces. The teachers hear the recordings, the student altered and noisy copies too ("noisy student",
Xie et al. 2020, section 2; here without choosing by confidence, and in one round).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..adamesh.network import ExpressionNetwork
from ..adamesh.speaker import run_windows
from .expression_data import FEATURES_PER_FRAME
from .feature_bank import FacePair
from .loop import Schedule

CACHE_ROOT = Path(__file__).resolve().parents[2] / "build" / "taught"


@dataclass(frozen=True, slots=True)
class Teacher:
    """name: of its checkpoint. shares: groups it learns from. reach: see ``NetworkConfig``; seed: of its training."""

    name: str
    shares: tuple[tuple[str, float], ...]
    reach: int | None
    seed: int


@dataclass(frozen=True, slots=True)
class TeachingSettings:
    """How many teachers see re-timed faces and how many GRID alone (every second one hears whole sentences), and how
    long each learns.
    """

    mixed: int = 2
    filmed_only: int = 2
    steps: int = 300
    batch: int = 8
    learning_rate: float = 1e-3
    mixed_shares: tuple[tuple[str, float], ...] = (("s1", 0.4), ("grid", 0.6), ("retimed", 0.4))
    filmed_shares: tuple[tuple[str, float], ...] = (("s1", 0.4), ("grid", 0.6))
    reach: int = 8
    seed: int = 20261121

    def teachers(self) -> Iterator[Teacher]:
        """All of them, each with a seed of its own."""
        for index in range(self.mixed + self.filmed_only):
            kind, shares = ("mixed", self.mixed_shares) if index < self.mixed else ("filmed", self.filmed_shares)
            reach = None if index % 2 else self.reach
            yield Teacher(f"teacher-{kind}-{index}-{self.steps}", shares, reach, self.seed + index)

    def schedule(self, teacher: Teacher) -> Schedule:
        """Stopped before the cosine ends, cooled down over the last third."""
        return Schedule(
            self.steps,
            horizon_steps=round(1.2 * self.steps),
            cool_down_steps=max(self.steps // 3, 1),
            learning_rate=self.learning_rate,
            seed=teacher.seed,
        )


def taught_pairs(
    spoken: Sequence[FacePair], teachers: Sequence[ExpressionNetwork], cache: Path = CACHE_ROOT
) -> list[FacePair]:
    """``spoken``'s sounds in all their voices with the teachers' mean motion, as the average talker, for the first."""
    labels = [label(spoken, teacher, cache) for teacher in teachers]
    return [
        replace(pair, motion=np.mean(motions, axis=0, dtype=np.float64).astype(np.float32))
        for pair, *motions in zip(spoken, *labels, strict=True)
    ]


def label(
    spoken: Sequence[FacePair], teacher: ExpressionNetwork, cache: Path = CACHE_ROOT
) -> list[NDArray[np.float32]]:
    """One teacher's (T, 53) for each pair's first voice, no style shown; from the cache where it is."""
    path = cache / f"{_hash(spoken, teacher)}.npy"
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        said = [run_windows(teacher, torch.from_numpy(_own_voice(pair))) for pair in spoken]
        partial = path.with_suffix(".part.npy")
        np.save(partial, np.concatenate(said))
        partial.rename(path)
    joined: NDArray[np.float32] = np.load(path, allow_pickle=False)
    return np.split(joined, np.cumsum([len(pair.motion) for pair in spoken])[:-1])


def _own_voice(pair: FacePair) -> NDArray[np.float32]:
    return pair.features[0, : FEATURES_PER_FRAME * len(pair.motion)].astype(np.float32)


def _hash(spoken: Sequence[FacePair], teacher: ExpressionNetwork) -> str:
    digest = hashlib.sha256()
    for value in teacher.state_dict().values():
        digest.update(value.numpy().tobytes())
    for pair in spoken:
        digest.update(_own_voice(pair).tobytes())
    return digest.hexdigest()[:16]
