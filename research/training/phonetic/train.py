# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.training phonetic``: phones and articulation, from aligned and synthetic speech."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models.speech.articulation import ARPABET, FEATURES
from core.models.speech.phonetic import PHONETIC_FILE, save_phonetic
from core.models.speech.phonetic_network import PhoneticConfig, PhoneticNetwork, PhoneticOutput
from core.weights import VENDOR_MODELS, record_checksum
from research.corpus.augment import augment, mask_bands, mel_features
from research.corpus.speech import align_all
from research.corpus.synthetic_speech import render_all
from research.corpus.tempo import retimed
from research.training.loop import Chance, Schedule, TrainingRun
from research.training.phonetic.data import MEL_PER_LABEL, LabelledSpeech, load_labelled

LIPS_FEATURE = [feature.name for feature in FEATURES].index("lips")


@dataclass(frozen=True, slots=True)
class PhoneticSettings:
    """What the one-command reproduction fixes. ``crop_frames`` are 20 ms each; shares are of the samples drawn."""

    schedule: Schedule = field(
        default_factory=lambda: Schedule(steps=3000, horizon_steps=3600, cool_down_steps=900, learning_rate=1.2e-3)
    )
    batch: int = 32
    crop_frames: int = 128
    shares: tuple[tuple[str, float], ...] = (
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


@dataclass(frozen=True, slots=True, eq=False)
class SpeechBatch:
    """power: (B, 2 T, 257); phones: (B, T); articulation: (B, T, features); -1 where no label is known."""

    power: Tensor
    phones: Tensor
    articulation: Tensor


class SpeechSource:
    """Draws crops, every corpus by its share and every speaker of it alike, at random tempo."""

    def __init__(self, speech: list[LabelledSpeech], settings: PhoneticSettings) -> None:
        self._settings = settings
        self._speakers: dict[str, dict[str, list[LabelledSpeech]]] = {}
        for item in speech:
            if not item.heldout:
                self._speakers.setdefault(item.source, {}).setdefault(item.speaker, []).append(item)
        present = [(name, share) for name, share in settings.shares if name in self._speakers]
        self._sources = [name for name, _ in present]
        self._chances = np.array([share for _, share in present]) / sum(share for _, share in present)

    def draw(self, rng: np.random.Generator) -> SpeechBatch:
        """One batch; the same generator state gives the same batch."""
        crops = [self._crop(rng) for _ in range(self._settings.batch)]
        return SpeechBatch(
            power=torch.exp(torch.from_numpy(np.stack([crop.log_power for crop in crops])).float()),
            phones=torch.from_numpy(np.stack([crop.phones for crop in crops])).long(),
            articulation=torch.from_numpy(np.stack([crop.articulation for crop in crops])).long(),
        )

    def _crop(self, rng: np.random.Generator) -> LabelledSpeech:
        speakers = self._speakers[self._sources[rng.choice(len(self._sources), p=self._chances)]]
        own = speakers[list(speakers)[rng.integers(len(speakers))]]
        tempo, frames = rng.uniform(0.8, 1.25), self._settings.crop_frames
        item = own[rng.integers(len(own))]
        needed = int(np.ceil(frames * tempo)) + 1
        first = int(rng.integers(max(len(item.phones) - needed, 0) + 1))
        return _at_tempo(item, first, frames, tempo)


def _at_tempo(item: LabelledSpeech, first: int, frames: int, tempo: float) -> LabelledSpeech:
    """``frames`` labels from ``first`` on at another tempo; past the end the last frame is held, without label."""
    label = first + np.round(np.arange(frames) * tempo).astype(int)
    beyond = label >= len(item.phones)
    label = np.minimum(label, len(item.phones) - 1)
    return replace(
        item,
        log_power=retimed(item.log_power, frames * MEL_PER_LABEL, tempo, first=MEL_PER_LABEL * first),
        phones=np.where(beyond, -1, item.phones[label]),
        articulation=np.where(beyond[:, None], -1, item.articulation[label]),
    )


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
    source = SpeechSource(speech, settings)

    def loss_of(network: nn.Module, chance: Chance) -> Tensor:
        batch = source.draw(chance.rng)
        mel = mask_bands(mel_features(augment(batch.power, chance.generator)), chance.generator)
        with torch.autocast("cpu", torch.bfloat16):
            output = network(mel)
        return phonetic_loss(output, batch, settings)

    return TrainingRun(PhoneticNetwork(config), settings.schedule, name).train(loss_of)


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
    """Train with the shipped settings (or fewer steps) and write the weights and their checksum."""
    settings = PhoneticSettings()
    if steps is not None:
        settings = replace(settings, schedule=replace(settings.schedule, steps=steps))
    if threads is not None:
        settings = replace(settings, threads=threads)
    network = train(prepare(data), settings, PhoneticConfig(), f"phonetic-{settings.schedule.steps}")
    assert isinstance(network, PhoneticNetwork)
    metadata = {"training": json.dumps(asdict(settings)), "phones": " ".join(ARPABET)}
    save_phonetic(network, VENDOR_MODELS / PHONETIC_FILE, metadata)
    print(f"{PHONETIC_FILE}: sha256 {record_checksum(PHONETIC_FILE)}")
