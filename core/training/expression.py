# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core.training expression``: trains AdaMesh's base network, speech to 53 motion values."""

from __future__ import annotations

import copy
import json
import math
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..adamesh.generate import EXPRESSION_FILE, save_network
from ..adamesh.network import ExpressionNetwork, NetworkConfig, NetworkOutput
from ..face.basis import FaceBasis, open_basis
from ..face.landmarks import LIPS
from ..face.motion import EXPRESSION_SIZE, INTERNAL_FPS
from ..weights import VENDOR_MODELS, record_checksum
from .augment import augment, features, mask
from .corpus import KNOWN_TALKER, training_clips
from .motion_data import MEL_PER_FRAME, MotionPair, load_pairs

CHECKPOINTS = Path(__file__).resolve().parents[2] / ".checkpoints"


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """What the one-command reproduction fixes. ``crop_frames`` are at 25 fps.

    The learning rate follows a cosine over ``horizon_steps`` and falls to nothing over the last
    ``cool_down_steps`` of ``steps``: where to stop can be decided while it runs.
    """

    steps: int = 2400
    horizon_steps: int = 3000
    cool_down_steps: int = 1000
    batch: int = 16
    crop_frames: int = 100
    learning_rate: float = 6e-4
    weight_decay: float = 0.05
    average_decay: float = 0.995
    known_talker_share: float = 0.4
    velocity_weight: float = 0.5
    lip_weight: float = 3.0
    seed: int = 20261121
    threads: int = 2
    save_every: int = 200
    picture_delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """power: (B, 4 T, 257); motion: (B, T, 53)."""

    power: Tensor
    motion: Tensor


class BatchSource:
    """Draws crops of one person's joined clips, at random tempo."""

    def __init__(self, pairs: list[MotionPair], settings: TrainingSettings) -> None:
        self._settings = settings
        self._by_person: dict[str, list[MotionPair]] = {}
        for pair in pairs:
            self._by_person.setdefault(pair.clip.person, []).append(pair)
        others = [p for p in self._by_person if p != KNOWN_TALKER]
        share = settings.known_talker_share if KNOWN_TALKER in self._by_person else 0.0
        self._people = [KNOWN_TALKER, *others] if share else others
        self._chances = [share] * bool(share) + [(1 - share) / len(others)] * len(others)

    def draw(self, rng: np.random.Generator) -> Batch:
        """One batch; the same generator state gives the same batch."""
        samples = [self._sample(rng) for _ in range(self._settings.batch)]
        power = torch.from_numpy(np.stack([power for power, _ in samples]))
        return Batch(torch.exp(power.float()), torch.from_numpy(np.stack([motion for _, motion in samples])))

    def _sample(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        own = self._by_person[self._people[rng.choice(len(self._people), p=self._chances)]]
        tempo = rng.uniform(0.85, 1.2)
        frames = self._settings.crop_frames
        needed = int(np.ceil(frames * tempo)) + 2
        power: list[NDArray[np.float16]] = []
        motion: list[NDArray[np.float32]] = []
        while sum(len(part) for part in motion) < needed + 20:
            pair = own[rng.integers(len(own))]
            power.append(pair.log_power)
            motion.append(pair.motion)
        joined_power, joined_motion = np.concatenate(power), np.concatenate(motion)
        first = int(rng.integers(len(joined_motion) - needed))
        return (
            _retimed(joined_power[first * MEL_PER_FRAME :], frames * MEL_PER_FRAME, tempo),
            _retimed(joined_motion[first:], frames, tempo),
        )


def _retimed(values: NDArray[np.floating], count: int, tempo: float) -> NDArray[np.float32]:
    position = np.arange(count) * tempo
    low = position.astype(int)
    blend = (position - low)[:, None]
    return ((1 - blend) * values[low] + blend * values[low + 1]).astype(np.float32)


class MotionLoss:
    """L1 before and after the post-net on z-scored values, its velocity, and the same on the lips in cm.

    Each value counts by how far it moves the lips, plus a floor: fifty components are not equally visible.
    """

    def __init__(self, basis: FaceBasis, mean: Tensor, deviation: Tensor, settings: TrainingSettings) -> None:
        self._settings = settings
        self._mean, self._deviation = mean, deviation
        lips = basis.directions[:, LIPS].reshape(EXPRESSION_SIZE, -1)
        tangent = np.cross(np.eye(3), (basis.neutral[LIPS] - basis.hinge_point)[:, None, :]).transpose(1, 0, 2)
        jaw = (tangent * basis.jaw_weights[LIPS, None]).reshape(3, -1)
        self._to_lips = torch.from_numpy(np.concatenate([lips, jaw]).astype(np.float32)) * deviation[:, None]
        reach = self._to_lips.norm(dim=1)
        weight = 0.15 + reach / reach.max()
        self._weight = weight / weight.mean()

    def __call__(self, output: NetworkOutput, motion: Tensor) -> Tensor:
        target = (motion - self._mean) / self._deviation
        return self._one(output.before.float(), target) + self._one(output.after.float(), target)

    def _one(self, predicted: Tensor, target: Tensor) -> Tensor:
        error = predicted - target
        velocity = error[:, 1:] - error[:, :-1]
        lips = error @ self._to_lips
        return (
            (error.abs() * self._weight).mean()
            + self._settings.velocity_weight * (velocity.abs() * self._weight).mean()
            + self._settings.lip_weight * lips.abs().mean()
        )


@dataclass(slots=True, eq=False)
class TrainingState:
    """Everything a resumed run needs."""

    network: ExpressionNetwork
    average: ExpressionNetwork
    optimiser: torch.optim.AdamW
    step: int

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        torch.save(
            {
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "step": self.step,
            },
            partial,
        )
        partial.rename(path)

    def load(self, path: Path) -> None:
        saved = torch.load(path, weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.average.load_state_dict(saved["average"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.step = saved["step"]


def train(data: Path, settings: TrainingSettings, config: NetworkConfig, name: str) -> ExpressionNetwork:
    """Train, resuming from the checkpoint of ``name`` when there is one; returns the averaged network."""
    torch.set_num_threads(settings.threads)
    basis = open_basis()
    pairs = load_pairs(training_clips(data), basis, settings.picture_delay_seconds)
    print(f"{len(pairs)} clips, {sum(len(p.motion) for p in pairs) / INTERNAL_FPS / 60:.1f} min", flush=True)
    state = _new_state(pairs, settings, config)
    checkpoint = CHECKPOINTS / f"{name}.pt"
    if checkpoint.is_file():
        state.load(checkpoint)
        print(f"resumed at step {state.step}", flush=True)
    loss = MotionLoss(basis, state.network.mean, state.network.deviation, settings)
    source = BatchSource(pairs, settings)
    began, losses = time.monotonic(), []
    while state.step < settings.steps:
        losses.append(_step(state, source, loss, settings))
        if state.step % settings.save_every == 0:
            state.save(checkpoint)
            pace = (time.monotonic() - began) / len(losses)
            recent = np.mean(losses[-settings.save_every :])
            print(f"step {state.step} loss {recent:.4f} {pace:.2f} s/step", flush=True)
    return state.average.eval()


def _new_state(pairs: list[MotionPair], settings: TrainingSettings, config: NetworkConfig) -> TrainingState:
    torch.manual_seed(settings.seed)
    network = ExpressionNetwork(config)
    motion = np.concatenate([pair.motion for pair in pairs])
    deviation = motion.std(axis=0)
    network.mean.copy_(torch.from_numpy(motion.mean(axis=0)))
    # jaw yaw and roll never move: a tiny floor keeps them at zero instead of dividing by it
    network.deviation.copy_(torch.from_numpy(np.maximum(deviation, 1e-3 * deviation.max())))
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    return TrainingState(network, copy.deepcopy(network), optimiser, 0)


def _step(state: TrainingState, source: BatchSource, loss: MotionLoss, settings: TrainingSettings) -> float:
    # every step has its own seeds, so a resumed run sees what an unbroken one would have seen
    rng = np.random.default_rng([settings.seed, state.step])
    generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + state.step)
    torch.manual_seed(settings.seed + state.step)
    batch = source.draw(rng)
    mel = mask(features(augment(batch.power, generator)), generator)
    for group in state.optimiser.param_groups:
        group["lr"] = _learning_rate(state.step, settings)
    state.network.train()
    with torch.autocast("cpu", torch.bfloat16):
        output = state.network(mel)
    value = loss(output, batch.motion)
    state.optimiser.zero_grad(set_to_none=True)
    value.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(state.network.parameters(), 1.0)
    state.optimiser.step()
    state.step += 1
    _update_average(state, settings.average_decay)
    return value.item()


def _learning_rate(step: int, settings: TrainingSettings) -> float:
    """Linear warm-up over 5 % of the horizon, cosine to 2 %, linear cool-down at the end."""
    warm_up = 0.05 * settings.horizon_steps
    if step < warm_up:
        return settings.learning_rate * (step + 1) / warm_up
    progress = min((step - warm_up) / max(settings.horizon_steps - warm_up, 1), 1.0)
    cosine = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress))
    return settings.learning_rate * cosine * min((settings.steps - step) / settings.cool_down_steps, 1.0)


@torch.no_grad()
def _update_average(state: TrainingState, decay: float) -> None:
    # a short memory at first, or the average would drag its random start along
    decay = min(decay, (1 + state.step) / (10 + state.step))
    for average, current in zip(state.average.state_dict().values(), state.network.state_dict().values(), strict=True):
        if average.dtype.is_floating_point:
            average.lerp_(current, 1 - decay)
        else:
            average.copy_(current)


def run(data: Path, steps: int | None = None, threads: int | None = None) -> None:
    """Train with the shipped settings (or fewer steps), write the weights and their checksum."""
    changes = {name: value for name, value in (("steps", steps), ("threads", threads)) if value is not None}
    settings = replace(TrainingSettings(), **changes)
    config = NetworkConfig(dropout=0.2)
    network = train(data, settings, config, f"expression-{settings.steps}")
    save_network(network, VENDOR_MODELS / EXPRESSION_FILE, {"training": json.dumps(asdict(settings))})
    print(f"{EXPRESSION_FILE}: sha256 {record_checksum(EXPRESSION_FILE)}")
