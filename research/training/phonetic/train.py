# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.training phonetic``: phones and articulation, from aligned and synthetic speech."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models.device import choose_device
from core.models.speech.articulation import ARPABET, FEATURES
from core.models.speech.phonetic import save_phonetic
from core.models.speech.phonetic_network import PhoneticConfig, PhoneticNetwork, PhoneticOutput
from research.corpus.augment import augment, mask_bands, mel_features
from research.corpus.speech import align_all
from research.corpus.synthetic_speech import render_all
from research.training.loop import Chance, Schedule, TrainingRun
from research.training.phonetic.data import LabelledSpeech, load_labelled
from research.training.phonetic.first_stage import MADE_HERE
from research.training.phonetic.source import Drawing, Shares, SpeechBatch, SpeechSource

LIPS_FEATURE = [feature.name for feature in FEATURES].index("lips")


@dataclass(frozen=True, slots=True)
class PhoneticSettings:
    """What the one-command reproduction fixes. ``crop_frames`` are 20 ms each; shares are of the samples drawn."""

    schedule: Schedule = field(
        default_factory=lambda: Schedule(steps=3000, horizon_steps=3600, cool_down_steps=900, learning_rate=1.2e-3)
    )
    batch: int = 32
    crop_frames: int = 128
    shares: Shares = (
        ("librispeech", 0.42),
        ("ljspeech", 0.06),
        ("vctk", 0.04),
        ("grid", 0.13),
        ("flite", 0.05),
        ("espeak", 0.30),
    )
    label_smoothing: float = 0.1
    lips_weight: float = 2.0
    threads: int = 2

    @property
    def drawing(self) -> Drawing:
        """Nobody speaks at the recording's own tempo."""
        return Drawing(self.shares, self.batch, self.crop_frames)


def phonetic_loss(output: PhoneticOutput, batch: SpeechBatch, settings: PhoneticSettings) -> Tensor:
    """Cross entropy of the phones and the mean over the articulation features, unknown frames left out."""
    phones = _cross_entropy(output.phones, batch.phones, settings)
    features = [_cross_entropy(x, batch.articulation[:, :, i], settings) for i, x in enumerate(output.articulation)]
    weights = [settings.lips_weight if i == LIPS_FEATURE else 1.0 for i in range(len(features))]
    return phones + sum(weight * value for weight, value in zip(weights, features, strict=True)) / sum(weights)


def _cross_entropy(logits: Tensor, labels: Tensor, settings: PhoneticSettings) -> Tensor:
    known = (labels >= 0).sum().clamp_min(1)
    smoothing = settings.label_smoothing
    total = functional.cross_entropy(
        logits.float().flatten(0, 1), labels.flatten(), ignore_index=-1, label_smoothing=smoothing, reduction="sum"
    )
    return total / known


def train(speech: list[LabelledSpeech], settings: PhoneticSettings, config: PhoneticConfig, name: str) -> nn.Module:
    """Train, resuming from the checkpoint of ``name``; returns the averaged network."""
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.schedule.seed)
    device = torch.device(choose_device("auto"))
    source = SpeechSource(speech, settings.drawing, device)

    def loss_of(network: nn.Module, chance: Chance) -> Tensor:
        batch = source.draw(chance.rng)
        mel = mask_bands(mel_features(augment(batch.power, chance.generator)), chance.generator)
        with torch.autocast(device.type, torch.bfloat16):
            output = network(mel)
        return phonetic_loss(output, batch, settings)

    return TrainingRun(PhoneticNetwork(config).to(device), settings.schedule, name).train(loss_of).cpu()


def prepare(data: Path) -> list[LabelledSpeech]:
    """Align, render (both only once) and load all speech with labels."""
    align_all(data)
    render_all()
    speech = load_labelled(data)
    for source in sorted({item.source for item in speech}):
        own = [item for item in speech if item.source == source]
        minutes = sum(item.seconds for item in own) / 60
        heldout = sum(item.seconds for item in own if item.heldout) / 60
        print(f"{source}: {len(own)} recordings, {minutes:.1f} min, of which held out {heldout:.1f}", flush=True)
    return speech


def run(data: Path, steps: int | None = None, threads: int | None = None) -> None:
    """Train with the shipped settings (or fewer steps) and write the first stage for :mod:`.student`."""
    settings = PhoneticSettings()
    if steps is not None:
        settings = replace(settings, schedule=replace(settings.schedule, steps=steps))
    if threads is not None:
        settings = replace(settings, threads=threads)
    network = train(prepare(data), settings, PhoneticConfig(), f"phonetic-{settings.schedule.steps}")
    assert isinstance(network, PhoneticNetwork)
    metadata = {"training": json.dumps(asdict(settings)), "phones": " ".join(ARPABET)}
    MADE_HERE.parent.mkdir(parents=True, exist_ok=True)
    save_phonetic(network, MADE_HERE, metadata)
    print(f"Wrote {MADE_HERE}")
