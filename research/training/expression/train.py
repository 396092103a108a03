# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains AdaMesh's expression network, speech and a style to motion; :mod:`.command` is the command."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core.face.basis import FaceBasis, open_basis
from core.models.adamesh.network import ExpressionNetwork, NetworkConfig
from core.models.device import choose_device
from core.models.speech.encoder import SpeechEncoder
from research.corpus.clips import KNOWN_TALKER, free_training_clips, training_clips
from research.training.expression.data import (
    PARAMETER_COUNT,
    FaceBatch,
    FaceSource,
    SamplingSettings,
    shares,
    with_readers,
)
from research.training.expression.rest import RestSource
from research.training.extractors import WHISPER, prosody_place
from research.training.feature_bank import CrowdSettings, FacePair, VoiceSettings, with_gaps
from research.training.loop import Chance, Schedule, TrainingRun, short_schedule
from research.training.motion_data import MotionPair, load_pairs
from research.training.motion_loss import LossWeights, MotionLoss

# small and short-sighted: larger networks with sight of whole sentences learned GRID's by heart (EXPERIMENTS.md)
SHIPPED_NETWORK = NetworkConfig(
    hidden=512, kernel=9, reach=8, encoder_blocks=2, decoder_blocks=2, style_blocks=1, dropout=0.2
)


@dataclass(frozen=True, slots=True)
class ExpressionSettings:
    """What the one-command reproduction fixes. rest_from: the step from which on some samples are without speech."""

    schedule: Schedule = field(default_factory=lambda: short_schedule(150))
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    loss: LossWeights = field(default_factory=LossWeights)
    network: NetworkConfig = field(default_factory=lambda: SHIPPED_NETWORK)
    voices: VoiceSettings = field(default_factory=VoiceSettings)
    style_probe_weight: float = 0.1
    rest_from: int | None = None
    crowd: CrowdSettings = field(default_factory=CrowdSettings)
    threads: int = 1


def shipped_settings(encoder: str) -> ExpressionSettings:
    """For an encoder: half of the samples are readers'; from three fifths of the steps on a tenth are at rest.

    With the bundled one a quarter of the filmed ones have a crowd behind. What Whisper hears is corrected for noise.
    """
    return with_pseudo_labels(with_rest(600, crowd_share=None if encoder == WHISPER else 0.25))


def teacher_settings() -> ExpressionSettings:
    """Of the networks that make the pseudo-labels, on Whisper's values: filmed people alone."""
    return with_rest(300)


def with_pseudo_labels(settings: ExpressionSettings, share: float = 0.5) -> ExpressionSettings:
    """The same with so large a share of pseudo-labelled readers; a batch has as many of filmed people as before."""
    sampling = settings.sampling
    batch = round(sampling.batch / (1 - share))
    return replace(settings, sampling=replace(sampling, batch=batch, shares=with_readers(sampling.shares, share)))


def with_rest(steps: int, crowd_share: float | None = None) -> ExpressionSettings:
    """So many steps with a fifth of the samples free speech; from three fifths of the steps on a tenth at rest."""
    sampling = replace(SamplingSettings(), shares=shares(0.2), crowd_share=crowd_share)
    rest_from = round(0.6 * steps)
    return replace(ExpressionSettings(), schedule=short_schedule(steps), sampling=sampling, rest_from=rest_from)


class TrainedExpression(nn.Module):
    """The network, and a linear reader of its style embedding that only training has.

    The copies' style parameters are known: to read them back keeps the style encoder from being ignored.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.network = ExpressionNetwork(config)
        self.probe = nn.Linear(config.width, PARAMETER_COUNT)


def motion_groups(data: Path, basis: FaceBasis, settings: ExpressionSettings) -> dict[str, list[MotionPair]]:
    """All face data by group; see ``SamplingSettings.shares``."""
    wanted = {name for name, share in settings.sampling.shares if share > 0}
    grid = training_clips(data)
    groups = {
        # one talker's every fourth sentence: he is most of GRID as it is
        "s1": load_pairs([clip for clip in grid if clip.person == KNOWN_TALKER][::4], basis),
        "grid": load_pairs([clip for clip in grid if clip.person != KNOWN_TALKER], basis),
    }
    if "free" in wanted:
        groups["free"] = load_pairs(free_training_clips(data), basis)
    return {name: pairs for name, pairs in groups.items() if name in wanted}


def train(
    groups: dict[str, list[FacePair]],
    encoder: SpeechEncoder,
    settings: ExpressionSettings,
    name: str,
    start: TrainedExpression | None = None,
) -> TrainedExpression:
    """Train, resuming from the checkpoint of ``name`` when there is one; returns the averaged network.

    start: a trained one to go on from; its statistics of motion stay.
    """
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.schedule.seed)
    if start is None:
        model = TrainedExpression(replace(settings.network, feature_size=encoder.dimension))
        _set_statistics(model.network, groups)
    else:
        model = copy.deepcopy(start).requires_grad_(True)
    device = torch.device(choose_device("auto"))
    model = model.to(device)
    loss = MotionLoss(open_basis(), model.network.mean, model.network.deviation, settings.loss)
    source = FaceSource(groups, settings.sampling)
    rest_from = settings.schedule.steps if settings.rest_from is None else settings.rest_from
    rest = None if settings.rest_from is None else RestSource(encoder)
    run = TrainingRun(model, settings.schedule, name)
    probe_weight = settings.style_probe_weight

    def loss_of(network: nn.Module, chance: Chance) -> Tensor:
        assert isinstance(network, TrainedExpression)
        batch = source.draw(chance.rng)
        if rest is not None and run.step >= rest_from:
            batch = rest.mixed_in(batch, chance.rng)
        batch = batch.to(device)
        features = with_gaps(batch.features, prosody_place(encoder), chance.generator)
        return expression_loss(network, replace(batch, features=features), loss, probe_weight)

    return run.train(loss_of).cpu()


def expression_loss(model: TrainedExpression, batch: FaceBatch, loss: MotionLoss, probe_weight: float) -> Tensor:
    """The motion's loss, and how well the style's known parameters can be read from its embedding."""
    with torch.autocast(batch.features.device.type, torch.bfloat16):
        style = model.network.style(batch.reference)
        output = model.network(batch.features, style * batch.shows_style[:, None], batch.identity)
        read = model.probe(style)
    return loss(output, batch.motion) + probe_weight * (read.float() - batch.parameters).abs().mean()


def _set_statistics(network: ExpressionNetwork, groups: dict[str, list[FacePair]]) -> None:
    # real GRID talkers alone: other sources come and go in ablations
    filmed = [pair.motion for name in ("s1", "grid") for pair in groups.get(name, [])]
    motion = np.concatenate(filmed or [pair.motion for pairs in groups.values() for pair in pairs])
    deviation = motion.std(axis=0)
    network.mean.copy_(torch.from_numpy(motion.mean(axis=0)))
    # jaw yaw and roll never move: a tiny floor keeps them at zero instead of dividing by it
    network.deviation.copy_(torch.from_numpy(np.maximum(deviation, 1e-3 * deviation.max())))
