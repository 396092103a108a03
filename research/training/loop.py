# SPDX-License-Identifier: GPL-3.0-or-later
"""What every training run here shares: schedule, averaged weights, checkpoints that resume to the same result."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from research.paths import ROOT
from research.training import distributed

CHECKPOINTS = ROOT / ".checkpoints"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Linear warm-up over 5 % of the horizon, cosine to 2 %, linear cool-down over the last steps.

    The cosine runs over ``horizon_steps``: where to stop (``steps``) can be decided while it runs.
    """

    steps: int
    horizon_steps: int
    cool_down_steps: int
    learning_rate: float
    weight_decay: float = 0.05
    average_decay: float = 0.995
    save_every: int = 200
    seed: int = 20261121

    @classmethod
    def to_the_end(
        cls, steps: int, learning_rate: float, *, weight_decay: float, save_every: int, seed: int
    ) -> Schedule:
        """The cosine ends with the run, its last tenth cools down; the averaged weights remember half as long."""
        return cls(
            steps=steps,
            horizon_steps=steps,
            cool_down_steps=max(steps // 10, 1),
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            average_decay=0.99,
            save_every=save_every,
            seed=seed,
        )

    def rate(self, step: int) -> float:
        """Learning rate of a step."""
        warm_up = 0.05 * self.horizon_steps
        if step < warm_up:
            return self.learning_rate * (step + 1) / warm_up
        progress = min((step - warm_up) / max(self.horizon_steps - warm_up, 1), 1.0)
        cosine = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress))
        return self.learning_rate * cosine * min((self.steps - step) / self.cool_down_steps, 1.0)


def short_schedule(steps: int) -> Schedule:
    """For trainings that are only compared with each other: a third cools down, so that few steps are enough."""
    return Schedule(
        steps, horizon_steps=round(1.2 * steps), cool_down_steps=steps // 3, learning_rate=1e-3, save_every=50
    )


@dataclass(frozen=True, slots=True, eq=False)
class Chance:
    """The random sources of one step; the same step has the same ones in a resumed run.

    rng: draws the samples, in the processor. generator: on the device where the network is.
    """

    rng: np.random.Generator
    generator: torch.Generator


Network = TypeVar("Network", bound=nn.Module)
LossOf = Callable[[nn.Module, Chance], Tensor]


class TrainingRun(Generic[Network]):
    """Trains ``network`` with AdamW; ``average`` is the exponential mean of its weights, which is what ships."""

    def __init__(self, network: Network, schedule: Schedule, name: str) -> None:
        self.network = network
        self.average: Network = copy.deepcopy(network)
        self.step = 0
        self._best: dict[str, Tensor] | None = None
        self._best_figure = -math.inf
        self._schedule = schedule
        self._path = CHECKPOINTS / f"{name}.pt"
        self._device = next(network.parameters()).device
        self._optimiser = torch.optim.AdamW(
            network.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay
        )

    def train(self, loss_of: LossOf, judge: Callable[[Network], float] | None = None) -> Network:
        """Run to the last step, resuming from the checkpoint when there is one; returns the averaged network.

        judge: a figure, the higher the better, that is asked at every checkpoint; the average with the best is
        returned.
        """
        if self._path.is_file():
            self.load(self._path)
            if distributed.is_first():
                print(f"resumed at step {self.step}", flush=True)
        # nobody writes before everybody has read
        distributed.wait()
        began, losses = time.monotonic(), []
        while self.step < self._schedule.steps:
            losses.append(self._take_step(loss_of))
            due = self.step % self._schedule.save_every == 0 or self.step == self._schedule.steps
            if due and distributed.is_first():
                if judge is not None:
                    self._keep_best(judge(self.average.eval()))
                self.save(self._path)
                pace = (time.monotonic() - began) / len(losses)
                recent = np.mean(losses[-self._schedule.save_every :])
                print(f"step {self.step} loss {recent:.4f} {pace:.2f} s/step", flush=True)
        distributed.wait()
        if self._best is not None:
            self.average.load_state_dict(self._best)
        return self.average.eval()

    def _keep_best(self, figure: float) -> None:
        print(f"step {self.step} judged {figure:.4f}", flush=True)
        if figure > self._best_figure:
            self._best_figure = figure
            self._best = {name: value.clone() for name, value in self.average.state_dict().items()}

    def save(self, path: Path) -> None:
        """Write everything that a resumed run needs; never half a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        torch.save(
            {
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimiser": self._optimiser.state_dict(),
                "step": self.step,
                "best": self._best,
                "best_figure": self._best_figure,
            },
            partial,
        )
        partial.rename(path)

    def load(self, path: Path) -> None:
        """Inverse of :meth:`save`."""
        saved = torch.load(path, map_location=self._device, weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.average.load_state_dict(saved["average"])
        self._optimiser.load_state_dict(saved["optimiser"])
        self.step = saved["step"]
        self._best, self._best_figure = saved.get("best"), saved.get("best_figure", -math.inf)

    def _take_step(self, loss_of: LossOf) -> float:
        seed = self._schedule.seed
        # each of several processes draws its own samples; one alone draws as it always did
        own = distributed.rank() * 7_919
        chance = Chance(
            np.random.default_rng([seed + own, self.step]),
            torch.Generator(self._device).manual_seed((seed + own) * 1_000_003 + self.step),
        )
        torch.manual_seed(seed + own + self.step)
        for group in self._optimiser.param_groups:
            group["lr"] = self._schedule.rate(self.step)
        self.network.train()
        loss = loss_of(self.network, chance)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        distributed.average_gradients(self.network)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        self.step += 1
        self._update_average()
        return loss.item()

    @torch.no_grad()
    def _update_average(self) -> None:
        # a short memory at first, or the average would drag its random start along
        decay = min(self._schedule.average_decay, (1 + self.step) / (10 + self.step))
        pairs = list(zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True))
        floats = [pair for pair in pairs if pair[0].dtype.is_floating_point]
        # one launch for all: on a graphics card two hundred small ones took as long as a step
        torch._foreach_lerp_([average for average, _ in floats], [current for _, current in floats], 1 - decay)
        for average, current in pairs:
            if not average.dtype.is_floating_point:
                average.copy_(current)
