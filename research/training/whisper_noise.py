# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.training noise``: corrects what Whisper hears of a noisy sound to what it hears of the clean.

Open speech is heard clean, and with one to eight talkers, music or coloured noise behind it, some of it in rooms and
by telephone; where nobody speaks there is nothing to correct.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core.models.speech.noise import NOISE_FILE, save_noise
from core.models.speech.noise_network import NoiseConfig, NoiseNetwork
from core.models.speech.prosody import PROSODY_SIZE
from core.models.speech.whisper_files import MODEL_SHA256
from core.weights import VENDOR_MODELS, record_checksum
from research.training.loop import Chance, Schedule, TrainingRun
from research.training.noisy_speech import TALKERS, Part, parts

JUDGED_BATCHES = 2


@dataclass(frozen=True, slots=True)
class NoiseSettings:
    """What the one-command reproduction fixes. crop_frames: of 20 ms. ways: shares of how samples are heard."""

    schedule: Schedule = field(
        default_factory=lambda: Schedule(
            steps=200,
            horizon_steps=200,
            cool_down_steps=40,
            learning_rate=2e-3,
            weight_decay=0.02,
            average_decay=0.99,
            save_every=40,
        )
    )
    network: NoiseConfig = field(default_factory=NoiseConfig)
    batch: int = 16
    crop_frames: int = 200
    ways: tuple[float, float, float] = (0.25, 0.5, 0.25)
    prosody_weight: float = 0.3
    threads: int = 2


@dataclass(frozen=True, slots=True, eq=False)
class NoiseBatch:
    """heard (B, T, 166), clean (B, T, 68): what is corrected, and what it shall be."""

    heard: Tensor
    clean: Tensor


def draw(
    found: Sequence[Part], settings: NoiseSettings, rng: np.random.Generator, way: int | None = None
) -> NoiseBatch:
    """Crops of the parts; the same generator state gives the same batch. way: of hearing, None by their shares."""
    values, frames = settings.network.values, settings.crop_frames
    heard, clean = [], []
    for index in rng.integers(len(found), size=settings.batch):
        first = int(rng.integers(found[index].heard.shape[1] - frames + 1))
        chosen = rng.choice(3, p=settings.ways) if way is None else way
        place = slice(first, first + frames)
        wanted = found[index].clean(chosen, place)
        heard.append(found[index].heard[chosen, place].astype(np.float32))
        clean.append(np.concatenate([wanted[:, :values], wanted[:, -PROSODY_SIZE:]], axis=1))
    return NoiseBatch(torch.from_numpy(np.stack(heard)), torch.from_numpy(np.stack(clean)))


def train(found: Sequence[Part], settings: NoiseSettings, name: str) -> NoiseNetwork:
    """Train on the parts that are not held out; the averaged network that hears the others best through talkers."""
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.schedule.seed)
    heard = [part for part in found if not part.heldout]
    spread = np.concatenate([part.heard[:, ::10].reshape(-1, settings.network.size) for part in heard]).astype(float)
    start = NoiseNetwork(settings.network)
    start.scale.copy_(torch.from_numpy(1.0 / np.maximum(spread.std(axis=0), 0.05)))
    run = TrainingRun(start, settings.schedule, name)
    loss = correction_loss(settings, start.scale)

    def loss_of(model: nn.Module, chance: Chance) -> Tensor:
        return loss(model, draw(heard, settings, chance.rng))

    return run.train(loss_of, functools.partial(explained, found, settings, TALKERS))


def correction_loss(settings: NoiseSettings, scale: Tensor) -> Callable[[nn.Module, NoiseBatch], Tensor]:
    """Squared error of the values, and that of prosody in units of its spread, which is less of it."""
    values, unit = settings.network.values, scale[-PROSODY_SIZE:]

    def loss(model: nn.Module, batch: NoiseBatch) -> Tensor:
        missed = model(batch.heard) - batch.clean
        sounds = (missed[..., values:] * unit).abs().mean()
        return missed[..., :values].square().mean() + settings.prosody_weight * sounds

    return loss


@torch.inference_mode()
def explained(found: Sequence[Part], settings: NoiseSettings, way: int, model: NoiseNetwork | None) -> float:
    """Share of the clean values' variance that is right on held-out speakers; None: of what was heard as it is."""
    own, values = [part for part in found if part.heldout], settings.network.values
    missed = total = 0.0
    for index in range(JUDGED_BATCHES):
        batch = draw(own, settings, np.random.default_rng([23, index]), way)
        wanted = batch.clean[..., :values]
        given = batch.heard if model is None else model(batch.heard)
        missed += float((given[..., :values] - wanted).square().sum())
        total += float((wanted - wanted.mean(dim=(0, 1))).square().sum())
    return 1 - missed / total


def run(data: Path, steps: int | None = None, threads: int | None = None) -> None:
    """Hear everything, train, write the weights and their checksum."""
    settings = NoiseSettings(threads=threads or 2)
    if steps is not None:
        settings = replace(settings, schedule=replace(settings.schedule, steps=steps))
    found = parts(data)
    trained = train(found, settings, f"noise-{settings.schedule.steps}")
    for way, name in enumerate(("clean", "talkers behind", "anything behind")):
        before, after = (explained(found, settings, way, model) for model in (None, trained))
        print(f"{name}: {before:.3f} of the clean values as heard, {after:.3f} corrected", flush=True)
    metadata = {"training": json.dumps(asdict(settings)), "teacher": MODEL_SHA256}
    save_noise(trained, VENDOR_MODELS / NOISE_FILE, metadata)
    print(f"{NOISE_FILE}: sha256 {record_checksum(NOISE_FILE)}")
