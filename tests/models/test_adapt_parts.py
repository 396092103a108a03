# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of adaptation: what is held out, which crops are drawn, what the loss sees, how the guard decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.face.basis import open_basis
from core.face.region_chart import BROWS, OPENING, region_chart
from core.models.adamesh.adaptation_data import (
    CropSource,
    Segment,
    folds_of,
    match_moments,
    segments_of,
    style_windows,
)
from core.models.adamesh.adaptation_loss import AdaptationLoss, LossWeights
from core.models.adamesh.model_selection import HeldoutErrors, SelectionSettings, decide
from core.models.adamesh.network import ExpressionNetwork, NetworkOutput
from tests.adapt_made import CONFIG, face, levels, made_generator, person


def segment(frames: int, seed: int = 0) -> Segment:
    return made_segment(levels(frames, seed), face(frames, seed))


def made_segment(features: NDArray, motion: NDArray) -> Segment:
    return Segment(features, motion, np.ones(len(motion), np.float32), np.zeros_like(motion))


def test_the_tail_is_held_out_and_nothing_is_in_both() -> None:
    fold, second = folds_of([segment(60, 0), segment(40, 1)], 0.3)
    assert [len(part) for part in fold.training] == [60, 10] and [len(part) for part in fold.heldout] == [30]
    np.testing.assert_array_equal(fold.heldout[0].motion, segment(40, 1).motion[10:])
    np.testing.assert_array_equal(fold.heldout[0].features, segment(40, 1).features[20:])
    assert [len(part) for part in second.heldout] == [30]
    np.testing.assert_array_equal(second.heldout[0].motion, segment(60, 0).motion[:30])


def test_a_short_reference_is_used_whole_and_a_long_one_spread_evenly() -> None:
    whole = segments_of(person(8, 0, gain=1.0), made_generator(ExpressionNetwork(CONFIG)), limit_seconds=20)
    assert [len(part) for part in whole] == [200]
    parts = segments_of(person(100, 0, gain=1.0), made_generator(ExpressionNetwork(CONFIG)), limit_seconds=20)
    assert [len(part) for part in parts] == [250, 250]
    np.testing.assert_array_equal(parts[0].motion, person(100, 0, gain=1.0).motion.face_vector()[:250])
    np.testing.assert_allclose(parts[1].features, levels(2500, 0)[-500:], atol=1e-4)


def test_crops_keep_sound_and_face_in_step() -> None:
    frames = 80
    ramp = np.arange(frames, dtype=np.float32)
    features = np.repeat(np.arange(2 * frames, dtype=np.float32)[:, None] / 2, 4, axis=1)
    motion = np.repeat(ramp[:, None], 53, axis=1)
    source = CropSource([made_segment(features, motion)], (20, 40), 120, tempo=0.1)
    batch = source.draw(np.random.default_rng(0))
    count, length = batch.motion.shape[:2]
    assert 20 <= length <= 40 and count == round(120 / length)
    assert batch.network_input.shape == (count, 2 * length, 4) and batch.weights.shape == (count, length)
    # both tell the time of the source: feature 2 t belongs to frame t
    torch.testing.assert_close(batch.network_input[:, ::2, 0], batch.motion[:, :, 0], atol=1e-3, rtol=0)
    again = source.draw(np.random.default_rng(0))
    torch.testing.assert_close(again.network_input, batch.network_input)


def test_a_crop_never_asks_for_more_than_there_is() -> None:
    source = CropSource([segment(30)], (50, 100), 200, tempo=0.2)
    batch = source.draw(np.random.default_rng(0))
    assert batch.motion.shape[1] < 30


def test_the_bases_motion_takes_on_mean_and_spread_and_keeps_its_timing() -> None:
    motion, expected = face(80, 0, gain=1.5, width=0.2), face(80, 1)
    (moved,) = match_moments([replace(made_segment(levels(80, 0), motion), expected=expected)])
    np.testing.assert_allclose(moved.expected.mean(axis=0), motion.mean(axis=0), atol=1e-4)
    ratio = moved.expected.std(axis=0)[:51] / motion.std(axis=0)[:51]
    assert np.median(ratio) == pytest.approx(1.0, abs=0.01)
    for value in (0, 1, 50):
        assert np.corrcoef(moved.expected[:, value], expected[:, value])[0, 1] == pytest.approx(1.0, abs=1e-4)


def test_style_windows_prefer_what_was_tracked_well() -> None:
    motion = np.arange(500, dtype=np.float32)[:, None].repeat(53, axis=1)
    weights = np.zeros(500, np.float32)
    weights[:250] = 1.0
    windows = style_windows(motion, weights)
    assert windows.shape[1:] == (100, 53)
    assert float(windows[:, 0, 0].max()) < 250
    assert style_windows(motion[:40], weights[:40]).shape == (1, 40, 53)


@pytest.fixture(scope="module")
def loss() -> AdaptationLoss:
    return AdaptationLoss(open_basis(), torch.zeros(53), torch.ones(53), LossWeights())


def value(loss: AdaptationLoss, given: NDArray, true: NDArray, weights: NDArray | None = None) -> float:
    motion = torch.from_numpy(np.asarray(true, np.float32))[None]
    output = torch.from_numpy(np.asarray(given, np.float32))[None]
    shares = torch.ones(1, len(true)) if weights is None else torch.from_numpy(weights.astype(np.float32))[None]
    return float(loss(NetworkOutput(output, output), motion, shares))


def test_loss_is_least_at_the_truth_and_ignores_lost_frames(loss: AdaptationLoss) -> None:
    true = face(60, 0)
    assert value(loss, true, true) < 0.1 * value(loss, 0 * true, true)
    wrong = true.copy()
    wrong[20:30] += 1.0
    weights = np.ones(60)
    weights[19:31] = 0.0
    manner_free = AdaptationLoss(open_basis(), torch.zeros(53), torch.ones(53), LossWeights(spread=0.0, agreement=0.0))
    assert value(manner_free, wrong, true) > 0.1
    assert value(manner_free, wrong, true, weights) < 1e-3


def test_an_opened_closure_costs_more_than_as_much_opening_elsewhere() -> None:
    weights = LossWeights(velocity=0.0, lips=0.0, peak=0.0, floor=0.0, spread=0.0, agreement=0.0, closure=1.0)
    loss = AdaptationLoss(open_basis(), torch.zeros(53), torch.ones(53), weights)
    direction = region_chart(open_basis()).directions[OPENING]
    shut, wide = np.zeros((20, 53)), np.repeat(0.8 * direction[None], 20, axis=0)
    change = 0.2 * direction
    assert value(loss, shut + change, shut) > 1.5 * value(loss, wide + change, wide)


def test_moving_too_little_costs_where_the_mean_is_right(loss: AdaptationLoss) -> None:
    wave = np.sin(np.arange(60) / 3)[:, None] * 0.3 * region_chart(open_basis()).directions[BROWS]
    with_manner = value(loss, 0.3 * wave, wave)
    without = AdaptationLoss(open_basis(), torch.zeros(53), torch.ones(53), LossWeights(spread=0.0, agreement=0.0))
    assert with_manner > value(without, 0.3 * wave, wave) + 0.05


def test_lip_error_is_the_farthest_point_in_millimetres(loss: AdaptationLoss) -> None:
    basis = open_basis()
    true = torch.zeros(4, 53)
    given = true.clone()
    given[:, 0] = 1.0
    from core.face.landmarks import LIPS

    expected = 10 * np.linalg.norm(basis.directions[0, LIPS], axis=-1).max()
    assert loss.lip_error_mm(given, true).tolist() == pytest.approx([expected] * 4, rel=1e-3)


GUARD = SelectionSettings(scales=(0.0, 0.5, 1.0), check_every=10)


def errors(base: list[float], checks: dict[int, tuple[list[float], list[float]]]) -> HeldoutErrors:
    made = HeldoutErrors(GUARD.scales, np.array(base))
    for step, (half, whole) in checks.items():
        made.add(step, 0.5, np.array(half))
        made.add(step, 1.0, np.array(whole))
    return made


def test_a_clear_gain_is_taken_at_its_best_step_and_scale() -> None:
    fold = errors([4, 4, 4], {10: ([3.5, 3.5, 3.5], [3, 3, 3]), 20: ([3.4, 3.4, 3.4], [2.5, 2.6, 2.4])})
    verdict = decide([fold], GUARD)
    assert (verdict.steps, verdict.scale) == (20, 1.0)
    assert (verdict.base_mm, verdict.chosen_mm) == (4.0, 2.5)


def test_one_lucky_block_does_not_decide_for_the_larger_scale() -> None:
    steady = errors([4, 4, 4, 4], {10: ([3, 3, 3, 3], [3.3, 3.3, 3.3, 1.9])})
    # whole strength has the lower mean, by one block
    assert steady.table(10).mean(axis=1).argmin() == 2
    assert decide([steady], GUARD).scale == 0.5


def test_where_nothing_can_be_told_the_prior_gain_decides() -> None:
    unclear = errors([4, 4, 4, 4], {10: ([2, 6, 1, 7], [1, 7, 0.5, 7.5])})
    assert decide([unclear], GUARD).scale == 1.0


def test_what_does_not_help_is_left_out() -> None:
    fold = errors([3, 3, 3], {10: ([3.1, 3.2, 3.1], [3.5, 3.6, 3.4])})
    verdict = decide([fold], GUARD)
    assert (verdict.steps, verdict.scale) == (0, 0.0)
    assert verdict.chosen_mm == verdict.base_mm == 3.0


def test_two_folds_decide_together() -> None:
    helps = errors([4, 4], {10: ([3.5, 3.5], [3, 3])})
    harms = errors([4, 4], {10: ([6.2, 6.3], [8, 8.2])})
    assert decide([helps], GUARD).scale == 1.0
    assert decide([helps, harms, harms], GUARD).scale == 0.0


def test_expected_gain_is_between_the_observed_and_the_prior_one() -> None:
    seen = np.array([[4.0, 4.0, 4.0], [3.0, 3.4, 2.6], [2.0, 2.9, 1.1]])
    gain = GUARD.expected_gain(seen)
    assert gain[0] == 0.0
    assert 0.1 < gain[1] < 0.25 and 0.1 < gain[2] < 0.5
    certain = replace(GUARD, min_standard_error=1e-6)
    np.testing.assert_allclose(certain.expected_gain(np.array([[4.0] * 3, [3.0] * 3, [2.0] * 3]))[1:], [0.25, 0.5])


def test_the_style_embedding_stays_where_it_does_no_clear_harm() -> None:
    guard = SelectionSettings()
    unclear = np.array([[3, 3, 3.0], [3.0, 3.1, 3.0], [2.8, 3.4, 3.0]])
    assert guard.choose_strength((0.0, 0.5, 1.0), unclear) == 1.0
    harmful = np.array([[3, 3, 3.0], [3.3, 3.3, 3.2], [3.9, 3.8, 3.9]])
    assert guard.choose_strength((0.0, 0.5, 1.0), harmful) == 0.0


def test_training_stops_when_nothing_improves_any_more() -> None:
    better = {10: ([3], [3]), 20: ([2], [2]), 30: ([2.1], [2.1]), 40: ([2.2], [2.2])}
    made = errors([4], better)  # type: ignore[arg-type]
    assert not made.should_stop(patience=3)
    made.add(50, 0.5, np.array([2.3]))
    made.add(50, 1.0, np.array([2.3]))
    assert made.should_stop(patience=3)


def test_scales_must_rise_from_zero() -> None:
    with pytest.raises(ValueError, match="rise from 0"):
        SelectionSettings(scales=(0.5, 1.0))
