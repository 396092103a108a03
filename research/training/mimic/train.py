# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.training mimic``: trains Mimic on all licensed faces and their style-varied copies."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core.face.basis import open_basis
from core.models.device import choose_device
from core.models.mimic.config import MimicConfig
from core.models.mimic.generate import MIMIC_FILE, MimicGenerator, save_mimic
from core.models.mimic.network import MimicNetwork
from core.models.speech.encoder import SpeechEncoder
from core.models.speech.registry import weights_file
from core.weights import VENDOR_MODELS, record_checksum
from research.corpus.crowd import Crowd
from research.training.expression.data import SamplingSettings, shares
from research.training.expression.train import ExpressionSettings, motion_groups
from research.training.extractors import BUNDLED, Extractor, open_extractor, prosody_place
from research.training.feature_bank import CrowdSettings, FacePair, VoiceSettings, face_pairs, in_crowds, with_gaps
from research.training.history import shipped_at
from research.training.loop import Chance, Schedule, TrainingRun
from research.training.mimic.data import IdentitySettings, MimicSource
from research.training.mimic.loss import ConstraintWeights, MimicLoss, TrainedMimic
from research.training.phonetic.first_stage import first_stage_encoder

FIRST_COMMIT = "d814e49"


@dataclass(frozen=True, slots=True)
class MimicSettings:
    """What the one-command reproduction fixes; shown_share: see :class:`MimicLoss`."""

    schedule: Schedule = field(
        default_factory=lambda: Schedule(
            steps=300, horizon_steps=360, cool_down_steps=100, learning_rate=1e-3, save_every=50
        )
    )
    sampling: SamplingSettings = field(
        default_factory=lambda: replace(SamplingSettings(), shares=shares(0.2), crowd_share=0.25)
    )
    identities: IdentitySettings = field(default_factory=IdentitySettings)
    constraints: ConstraintWeights = field(default_factory=ConstraintWeights)
    network: MimicConfig = field(default_factory=MimicConfig)
    shown_share: float = 0.7
    voices: VoiceSettings = field(default_factory=VoiceSettings)
    threads: int = 1


def train(
    groups: dict[str, list[FacePair]],
    encoder: SpeechEncoder,
    settings: MimicSettings,
    name: str,
    start: MimicNetwork | None = None,
) -> MimicNetwork:
    """Train, resuming from the checkpoint of ``name`` when there is one; returns the averaged network.

    start: a trained one to go on from; where it hears with another encoder, how features are read begins anew.
    """
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.schedule.seed)
    basis = open_basis()
    source = MimicSource(groups, settings.sampling, settings.identities)
    config = replace(settings.network, feature_size=encoder.dimension)
    model = TrainedMimic(config, basis, source.identities, source.voices)
    if start is not None:
        warm_start(model.network, start)
    device = torch.device(choose_device("auto"))
    model = model.to(device)
    mean, deviation = (part.to(device) for part in statistics(groups))
    loss = MimicLoss(basis, mean, deviation, settings.constraints, settings.shown_share)
    run = TrainingRun(model, settings.schedule, name)

    def loss_of(trained: nn.Module, chance: Chance) -> Tensor:
        assert isinstance(trained, TrainedMimic)
        batch = source.draw(chance.rng).to(device)
        batch = replace(batch, features=with_gaps(batch.features, prosody_place(encoder), chance.generator))
        return loss(trained, batch, run.step / settings.schedule.steps, chance.generator)

    return run.train(loss_of).network.cpu()


def warm_start(network: MimicNetwork, start: MimicNetwork) -> None:
    """Take over every weight whose shape is the same."""
    own = network.state_dict()
    network.load_state_dict({k: v for k, v in start.state_dict().items() if v.shape == own[k].shape}, strict=False)


def statistics(groups: dict[str, list[FacePair]]) -> tuple[Tensor, Tensor]:
    """Mean and deviation (53,) of the tracked talkers' motion, by which the loss weighs values."""
    filmed = [pair.motion for name in ("s1", "grid") for pair in groups.get(name, [])]
    motion = np.concatenate(filmed or [pair.motion for pairs in groups.values() for pair in pairs])
    deviation = motion.std(axis=0)
    # jaw yaw and roll never move: a tiny floor keeps them at zero instead of dividing by it
    return torch.from_numpy(motion.mean(axis=0)), torch.from_numpy(np.maximum(deviation, 1e-3 * deviation.max()))


def mimic_groups(
    data: Path, extractor: Extractor, settings: MimicSettings, crowds: bool = False
) -> dict[str, list[FacePair]]:
    """The expression network's face data, with features; with ``crowds`` two more voices have one behind them."""
    source = replace(ExpressionSettings(), sampling=settings.sampling, voices=settings.voices)
    pairs = motion_groups(data, open_basis(), source)
    groups = {name: face_pairs(found, extractor, settings.voices) for name, found in pairs.items()}
    if not crowds:
        return groups
    crowd = Crowd.of_readers(data)
    return {name: in_crowds(own, pairs[name], extractor, crowd, CrowdSettings()) for name, own in groups.items()}


def first_weights() -> MimicNetwork:
    """The bundled network of 2026-11-26: 1,200 steps on many voices and manners, 120 on freer faces.

    It heard with the first stage of today's speech encoder; what reads the features begins anew.
    """
    return MimicGenerator.load(path=shipped_at(FIRST_COMMIT, MIMIC_FILE), encoder=first_stage_encoder()).network


def run(data: Path, encoder: str = BUNDLED, steps: int | None = None, threads: int | None = None) -> None:
    """Train with the shipped settings (or fewer steps), write the weights and their checksum."""
    settings = MimicSettings()
    if steps is not None:
        settings = replace(settings, schedule=replace(settings.schedule, steps=steps))
    if threads is not None:
        settings = replace(settings, threads=threads)
    extractor = open_extractor(encoder)
    groups = mimic_groups(data, extractor, settings, crowds=True)
    for name, pairs in groups.items():
        print(f"{name}: {len(pairs)} clips, {sum(len(p.motion) for p in pairs) / 1500:.1f} min", flush=True)
    start = first_weights()
    network = train(groups, extractor.encoder, settings, f"mimic-{encoder}-{settings.schedule.steps}", start)
    file = weights_file(MIMIC_FILE, encoder)
    save_mimic(network, VENDOR_MODELS / file, extractor.encoder, {"training": json.dumps(asdict(settings))})
    print(f"{file}: sha256 {record_checksum(file)}")
