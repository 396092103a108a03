# SPDX-License-Identifier: GPL-3.0-or-later
"""Mimic's training on made-up talkers: identities, what each constraint reaches, resuming to the same result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.face.basis import open_basis
from core.face.motion import MOTION_SIZE
from research.training import loop
from research.training.expression.data import SamplingSettings
from research.training.feature_bank import FacePair
from research.training.loop import Schedule
from research.training.mimic.data import IdentitySettings, MimicBatch, MimicSource
from research.training.mimic.loss import ConstraintWeights, MimicLoss, TrainedMimic, average_course, swings
from research.training.mimic.train import MimicSettings, statistics, train
from tests import mimic_made
from tests.interrupted import interrupted_after

FEATURES = 12
TINY = replace(mimic_made.TINY, feature_size=FEATURES)
SETTINGS = MimicSettings(
    schedule=Schedule(steps=14, horizon_steps=20, cool_down_steps=4, learning_rate=3e-3, save_every=5),
    sampling=SamplingSettings(
        batch=4, crop_frames=25, reference_frames=20, shares=(("s1", 0.4), ("grid", 0.3), ("free", 0.3))
    ),
    identities=IdentitySettings(manners=2),
    network=TINY,
    threads=1,
)


class _Hearing:
    """What training asks an encoder for."""

    dimension = FEATURES


@pytest.fixture(scope="module")
def groups() -> dict[str, list[FacePair]]:
    """Features that tell the first motion value, swung in each talker's own size."""
    rng = np.random.default_rng(0)

    def pair(person: str, size: float) -> FacePair:
        level = np.repeat(rng.normal(size=15), 5)
        features = np.repeat(level, 2)[:, None] * np.ones(FEATURES) + rng.normal(scale=0.1, size=(150, FEATURES))
        motion = rng.normal(scale=0.01, size=(75, MOTION_SIZE))
        motion[:, :3] += size * level[:, None]
        return FacePair(person, features[None].astype(np.float16), motion.astype(np.float32), np.zeros(12, np.float32))

    return {
        "s1": [pair("s1", 0.3) for _ in range(3)],
        "grid": [pair("s2", 0.6) for _ in range(2)] + [pair("s3", 0.1) for _ in range(2)],
        "free": [pair(f"free-{speaker}", 0.3) for speaker in range(3)],
    }


@pytest.fixture(scope="module")
def source(groups: dict[str, list[FacePair]]) -> MimicSource:
    return MimicSource(groups, SETTINGS.sampling, SETTINGS.identities)


def _batch(source: MimicSource, seed: int = 0) -> MimicBatch:
    return source.draw(np.random.default_rng(seed))


def test_identities_are_faces_times_manners(source: MimicSource) -> None:
    assert (source.faces, source.voices) == (6, 6)
    assert source.identities == 18
    drawn = torch.cat([_batch(source, seed).identity for seed in range(80)])
    assert set(drawn.tolist()) == set(range(18))


def test_the_same_chance_gives_the_same_batch(source: MimicSource) -> None:
    first, again = _batch(source, 3), _batch(source, 3)
    assert torch.equal(first.features, again.features) and torch.equal(first.motion, again.motion)
    assert first.heard.shape == first.features.shape and not torch.equal(first.heard, first.features)
    assert first.features.shape == (4, 50, FEATURES) and first.reference.shape == (4, 25, MOTION_SIZE)


def test_unvaried_samples_are_the_tracked_motion(groups: dict[str, list[FacePair]]) -> None:
    plain = MimicSource(groups, SETTINGS.sampling, IdentitySettings(manners=0))
    assert plain.identities == 6
    largest = [0.0] * 6
    for seed in range(20):
        batch = _batch(plain, seed)
        for face, motion in zip(batch.identity.tolist(), batch.motion, strict=True):
            largest[face] = max(largest[face], motion[:, :3].std().item())
    # s1, s2, s3 in the order of the groups
    assert largest[1] > largest[0] > largest[2]


def _loss(groups: dict[str, list[FacePair]], weights: ConstraintWeights, shown: float = 1.0) -> MimicLoss:
    return MimicLoss(open_basis(), *statistics(groups), weights, shown, silent_share=0.0)


NONE = ConstraintWeights(style=0, spread=0, inverse=(0, 0, 0), voice=0, contrast=0, style_cycle=0, content_cycle=0)


@pytest.mark.parametrize(
    ("weights", "reached"),
    [
        (NONE, set()),
        (replace(NONE, style=1.0), {"style_classifier"}),
        (replace(NONE, inverse=(1.0, 1.0, 1.0)), {"inverse_classifier"}),
        (replace(NONE, voice=1.0), {"voice_classifier"}),
        (replace(NONE, contrast=1.0), {"log_scale"}),
    ],
    ids=["none", "style", "inverse", "voice", "contrast"],
)
def test_each_constraint_can_be_switched_off(
    groups: dict[str, list[FacePair]], source: MimicSource, weights: ConstraintWeights, reached: set[str]
) -> None:
    torch.manual_seed(0)
    model = TrainedMimic(TINY, open_basis(), source.identities, source.voices)
    _loss(groups, weights)(model, _batch(source), 0.5, torch.Generator().manual_seed(0)).backward()
    found = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert found - {"network"} == reached


def test_cycles_add_to_the_loss_and_reach_the_encoders(groups: dict[str, list[FacePair]], source: MimicSource) -> None:
    def value(weights: ConstraintWeights) -> float:
        torch.manual_seed(0)
        model = TrainedMimic(replace(TINY, dropout=0.0), open_basis(), source.identities, source.voices)
        return _loss(groups, weights)(model, _batch(source), 0.5, torch.Generator().manual_seed(0)).item()

    plain = value(NONE)
    assert value(replace(NONE, style_cycle=1.0)) > plain + 1e-3
    assert value(replace(NONE, content_cycle=1.0)) > plain + 1e-3


def test_the_spread_term_asks_for_the_swing_and_not_for_the_motion(
    groups: dict[str, list[FacePair]], source: MimicSource
) -> None:
    network = TrainedMimic(TINY, open_basis(), source.identities, source.voices).network
    wanted = network.coordinates(_batch(source).motion)
    turned, halved = wanted.flip(dims=(1,)), 0.5 * wanted
    assert MimicLoss._spread(network, turned, wanted).item() == pytest.approx(0.0, abs=1e-4)
    assert MimicLoss._spread(network, halved, wanted).item() > 0.1


def test_swings_tell_sizes_that_the_time_mean_hides() -> None:
    content = torch.tensor([[[2.0], [-2.0]], [[1.0], [-1.0]]])
    assert swings(content).mean(dim=1).tolist() == [[0.0, 2.0], [0.0, 1.0]]


def test_gradient_reversal_fades_as_in_the_release() -> None:
    weights = ConstraintWeights(inverse=(3.0, 2.0, 1.0))
    assert [weights.inverse_at(share) for share in (0.0, 0.13, 0.14, 0.26, 0.27, 1.0)] == [3, 3, 2, 2, 1, 1]


def test_the_mean_code_follows_the_codes(groups: dict[str, list[FacePair]], source: MimicSource) -> None:
    torch.manual_seed(0)
    model = TrainedMimic(TINY, open_basis(), source.identities, source.voices)
    loss, batch = _loss(groups, NONE, shown=0.0), _batch(source)
    for _ in range(200):
        with torch.no_grad():
            loss(model, batch, 0.0, torch.Generator().manual_seed(0))
    with torch.no_grad():
        network = model.eval().network
        expected = average_course(network, batch.heard)
        wanted = network.style(batch.reference, expected).mean(dim=0)
    torch.testing.assert_close(network.population_mean, expected.mean.mean(dim=0), rtol=0.1, atol=0.02)
    assert (model.network.mean_code - wanted).norm() < 0.2 * wanted.norm()


@pytest.mark.parametrize("decoder", ["parallel", "autoregressive"])
def test_training_resumes_to_the_same_weights(
    groups: dict[str, list[FacePair]], decoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINTS", tmp_path)
    settings = replace(SETTINGS, network=replace(TINY, decoder=decoder))
    whole = train(groups, _Hearing(), settings, "whole")
    with interrupted_after(7, monkeypatch):
        train(groups, _Hearing(), settings, "resumed")
    resumed = train(groups, _Hearing(), settings, "resumed")
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, msg=name)


def test_the_loss_falls_on_motion_that_speech_tells(groups: dict[str, list[FacePair]], source: MimicSource) -> None:
    torch.manual_seed(0)
    model = TrainedMimic(TINY, open_basis(), source.identities, source.voices)
    loss, optimiser, values = _loss(groups, ConstraintWeights()), torch.optim.Adam(model.parameters(), 5e-3), []
    for step in range(50):
        value = loss(model, _batch(source, step), 0.5, torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        values.append(value.item())
    assert np.mean(values[-5:]) < 0.85 * np.mean(values[:5])
