# SPDX-License-Identifier: GPL-3.0-or-later
"""Adaptation in a made world: it finds the person, never harms, and leaves the base as it was."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from core.errors import CancelledError
from core.face.closures import gap_of_vectors
from core.models.adamesh.adaptation import adapt
from core.models.adamesh.adapter import AdaptationSettings, ExpressionAdapter
from core.models.adamesh.generate import ExpressionGenerator
from core.models.adamesh.model_selection import block_means
from core.models.adamesh.styled_network import styled
from tests.adapt_made import QUICK, assert_sizes, face, levels, person, reference, spoken, trained_base


@pytest.fixture(scope="module")
def base() -> ExpressionGenerator:
    torch.set_num_threads(1)
    assert_sizes()
    return trained_base()


@pytest.fixture(scope="module")
def large(base: ExpressionGenerator) -> ExpressionAdapter:
    """Ten seconds of somebody with large movements."""
    return adapt(base, person(10, 1, gain=1.6, width=0.15), QUICK)


def spoken_motion(
    base: ExpressionGenerator, adapter: ExpressionAdapter | None, seed: int, strength: float = 1.0
) -> Tensor:
    features = torch.from_numpy(levels(100, seed))[None]
    with torch.no_grad():
        if adapter is None:
            return base.network.motion(features)[0]
        update = (adapter.arrays, adapter.scale, adapter.style_embedding)
        with styled(base.network, *update, strength) as network:
            return network.motion(features)[0]


def error(base: ExpressionGenerator, adapter: ExpressionAdapter | None, gain: float, width: float = 0.0) -> float:
    """Mean absolute error on sentences that no reference here says."""
    return float(
        np.mean(
            [
                np.abs(spoken_motion(base, adapter, seed).numpy() - face(100, seed, gain, width)).mean()
                for seed in (101, 102, 103)
            ]
        )
    )


def test_the_speaker_is_found_on_held_out_sentences(base: ExpressionGenerator, large: ExpressionAdapter) -> None:
    assert large.scale > 0 and large.arrays and large.ranks == (2, 4)
    assert large.report.adapted_mm < large.report.base_mm
    assert error(base, large, 1.6, 0.15) < 0.7 * error(base, None, 1.6, 0.15)
    opening = [gap_of_vectors(base.basis, spoken_motion(base, a, 101).numpy()).std() for a in (None, large)]
    assert 1.15 < opening[1] / opening[0] < 1.9


def test_strength_zero_is_exactly_the_base_and_more_is_more(
    base: ExpressionGenerator, large: ExpressionAdapter
) -> None:
    plain = spoken_motion(base, None, 7)
    assert torch.equal(spoken_motion(base, large, 7, strength=0.0), plain)
    changes = [(spoken_motion(base, large, 7, strength) - plain).abs().mean() for strength in (0.5, 1.0, 1.5)]
    assert changes[0] < changes[1] < changes[2]


def test_the_base_is_bit_identical_afterwards(base: ExpressionGenerator) -> None:
    before = copy.deepcopy(base.network.state_dict())
    modules = list(base.network.modules())
    adapt(base, person(3, 2, gain=0.6), QUICK)
    after = base.network.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    assert all(a is b for a, b in zip(modules, base.network.modules(), strict=True))
    assert all(parameter.requires_grad for parameter in base.network.parameters())
    assert not any(module.training for module in base.network.modules())


def test_the_same_reference_gives_the_same_adapter(base: ExpressionGenerator) -> None:
    torch.manual_seed(1)
    first = adapt(base, person(3, 3, gain=1.5), QUICK)
    torch.manual_seed(2)
    second = adapt(base, person(3, 3, gain=1.5), QUICK)
    assert first.scale == second.scale and first.report.steps == second.report.steps
    assert first.arrays.keys() == second.arrays.keys()
    assert all(np.array_equal(first.arrays[name], second.arrays[name]) for name in first.arrays)
    assert np.array_equal(first.style_embedding, second.style_embedding)


def test_a_mean_speaker_is_not_made_worse(base: ExpressionGenerator) -> None:
    adapter = adapt(base, person(6, 4, gain=1.0), QUICK)
    assert error(base, adapter, 1.0) < 1.02 * error(base, None, 1.0)


def test_model_selection_falls_back_where_the_ends_contradict_the_middle(base: ExpressionGenerator) -> None:
    # either end moves as the average, the middle far larger: what is learnt there does not carry over
    frames = 200
    motion = face(frames, 5)
    motion[50:150] = face(frames, 5, gain=2.2)[50:150]
    guarded = adapt(base, reference(motion, spoken(frames, 5)), QUICK)
    trusting = adapt(
        base, reference(motion, spoken(frames, 5)), replace(QUICK, selection=replace(QUICK.selection, enabled=False))
    )
    assert guarded.scale <= 0.25 < trusting.scale
    assert error(base, guarded, 1.0) < error(base, trusting, 1.0)


def test_three_seconds_are_enough_to_start(base: ExpressionGenerator) -> None:
    adapter = adapt(base, person(3, 6, gain=1.7), QUICK)
    assert error(base, adapter, 1.7) < error(base, None, 1.7)


def test_a_long_reference_costs_no_more_than_its_limit(base: ExpressionGenerator) -> None:
    settings = replace(QUICK, limit_seconds=20.0)
    short = adapt(base, person(20, 8, gain=1.6), settings)
    adapter = adapt(base, person(600, 8, gain=1.6), settings)
    assert adapter.report.seconds == pytest.approx(600)
    # thirty times the clip, not thirty times the work: reading the whole of it costs something
    assert adapter.report.compute_seconds < 8 * short.report.compute_seconds
    assert error(base, adapter, 1.6) < 0.8 * error(base, None, 1.6)


def test_frames_that_the_tracker_lost_teach_nothing(base: ExpressionGenerator) -> None:
    frames = 200
    motion = face(frames, 9, gain=1.5)
    weights = np.ones(frames, np.float32)
    for first in range(10, frames, 40):
        motion[first : first + 12] += np.random.default_rng(first).normal(0, 2, (12, 53)).astype(np.float32)
        weights[first : first + 12] = 0.0
    weighted = adapt(base, reference(motion, spoken(frames, 9), weights), QUICK)
    believing = adapt(base, reference(motion, spoken(frames, 9)), QUICK)
    assert error(base, weighted, 1.5) < 0.9 * error(base, None, 1.5)
    assert error(base, weighted, 1.5) < error(base, believing, 1.5)


def test_without_sound_only_the_embedding_is_taken_and_a_sentence_says_so(base: ExpressionGenerator) -> None:
    adapter = adapt(base, reference(face(200, 10, gain=1.5), None), QUICK)
    assert adapter.arrays == {} and adapter.scale == 0 and adapter.ranks == ()
    assert adapter.style_embedding.any()
    (warning,) = adapter.report.warnings
    assert "no usable sound" in warning and warning.endswith(".")


def test_somebody_elses_sound_is_not_learnt(base: ExpressionGenerator) -> None:
    adapter = adapt(base, reference(face(200, 11, gain=1.5), spoken(200, 999)), QUICK)
    assert adapter.arrays == {}
    assert "does not go with its mouth" in adapter.report.warnings[0]


def test_progress_rises_to_one_and_cancelling_leaves_the_base_alone(base: ExpressionGenerator) -> None:
    seen: list[float] = []
    adapt(base, person(3, 12, gain=1.5), QUICK, progress=seen.append)
    assert seen == sorted(seen) and seen[0] == 0.0 and seen[-1] == 1.0 and len(seen) > 20
    before = copy.deepcopy(base.network.state_dict())

    def cancel(fraction: float) -> None:
        if fraction > 0.3:
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        adapt(base, person(3, 12, gain=1.5), QUICK, progress=cancel)
    after = base.network.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    assert all(parameter.requires_grad for parameter in base.network.parameters())
    assert not any(module.training for module in base.network.modules())


def test_learning_keeps_one_core_busy_and_gives_the_others_back(base: ExpressionGenerator) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        seen: list[int] = []
        adapt(base, person(3, 6, gain=1.7), QUICK, progress=lambda fraction: seen.append(torch.get_num_threads()))
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2
        with pytest.raises(CancelledError):
            adapt(base, person(3, 6, gain=1.7), QUICK, progress=raising)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def raising(fraction: float) -> None:
    raise CancelledError("Cancelled.")


def test_no_style_input_means_no_embedding(base: ExpressionGenerator) -> None:
    adapter = adapt(base, person(3, 13, gain=1.5), replace(QUICK, style=False))
    assert not adapter.style_embedding.any()
    assert adapter.report.style_strength == 0


def test_defaults_are_within_the_papers_limits() -> None:
    settings = AdaptationSettings()
    assert settings.molora.ranks == (2, 4, 8, 16)
    assert settings.tune.crop_frames[0] >= 50 and settings.tune.crop_frames[1] <= 100


def test_block_means_are_weighted_and_leave_no_frame_out() -> None:
    values, weights = np.arange(30.0), np.ones(30)
    # blocks of 12 frames; the last 6 go with the second
    np.testing.assert_allclose(block_means(values, weights), [5.5, 20.5])
    weights[:11] = 0.0
    assert block_means(values, weights)[0] == pytest.approx(11.0, abs=1e-3)
    assert len(block_means(np.ones(3), np.ones(3))) == 1
