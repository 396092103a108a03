# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person does otherwise at alike moments: found near them, nothing far away, little from little."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from core.models.affine.likeness import ALONE, MOST_FRAMES, LikenessSettings, fit_likeness
from core.style.likeness import LikenessCorrection, corrected_motion
from core.style.parts import ExpressionPart, MimicPart
from tests.adapt_made import reference


def _mean(frames: int, seed: int = 0) -> np.ndarray:
    """(frames, 53) smooth motion with a standard deviation of 1 in every value."""
    rng = np.random.default_rng(seed)
    wave = np.arange(frames)[:, None] / 25 * rng.uniform(6, 12, 4) + rng.uniform(0, 6, 4)
    mixed = np.sin(wave) @ np.random.default_rng(9).normal(size=(4, 53))
    return (mixed / mixed.std(axis=0)).astype(np.float32)


def _person(mean: np.ndarray) -> np.ndarray:
    """Opens further, by more than in proportion, and rests elsewhere."""
    return (1.3 * mean + 0.2 * mean**2 + 0.3).astype(np.float32)


def _fitted(frames: int, settings: LikenessSettings = ALONE) -> LikenessCorrection:
    mean = _mean(frames)
    fitted = fit_likeness(mean, mean, _person(mean), np.ones(frames), settings)
    assert fitted is not None
    return fitted


def _error(correction: LikenessCorrection | None) -> float:
    mean = _mean(200, 1)
    said = mean if correction is None else correction.corrected(mean, mean, 1.0)
    return float(np.abs(said - _person(mean)).mean())


def test_other_words_of_the_person_are_nearer_and_more_seconds_bring_more() -> None:
    plain, short, ten, minute = _error(None), *(_error(_fitted(n)) for n in (50, 250, 1500))
    assert minute < ten < short < plain and ten < 0.5 * plain


def test_half_an_hour_of_somebody_costs_no_more_than_a_minute_and_is_no_worse() -> None:
    long = _fitted(45_000)
    assert len(long.moments) == len(long.answers) == MOST_FRAMES
    assert _error(long) < 1.1 * _error(_fitted(MOST_FRAMES))


def test_strength_zero_is_the_mean_speaker_and_strengths_are_in_proportion() -> None:
    correction, mean = _fitted(250), _mean(100, 2)
    np.testing.assert_array_equal(correction.corrected(mean, mean, 0.0), mean)
    half, full = (correction.corrected(mean, mean, s) - mean for s in (0.5, 1.0))
    np.testing.assert_allclose(half, 0.5 * full, atol=1e-5)


def test_far_from_all_that_was_seen_only_the_resting_difference_is_left() -> None:
    correction = _fitted(250)
    far = np.full((3, 53), 40.0, np.float32)
    np.testing.assert_allclose(correction.corrected(far, far, 1.0) - far, np.tile(correction.shift, (3, 1)), atol=1e-4)


def test_frames_that_the_tracker_lost_say_nothing() -> None:
    mean = _mean(250)
    seen, weights = _person(mean), np.ones(250)
    torn = seen.copy()
    torn[100:150] = 50.0
    weights[100:150] = 0.0
    kept = np.r_[0:100, 150:250]
    with_gap = fit_likeness(mean, mean, torn, weights)
    whole = fit_likeness(mean, mean, seen, weights)
    assert with_gap is not None and whole is not None
    np.testing.assert_allclose(with_gap.answers[kept], whole.answers[kept], atol=1e-6)
    np.testing.assert_allclose(with_gap.answers[100:150], 0.0, atol=1e-6)
    assert fit_likeness(mean, mean, seen, np.zeros(250)) is None


def test_of_what_the_network_learnt_a_share_is_kept_but_not_its_resting_face_twice() -> None:
    mean = _mean(250)
    adapted = mean + 1.0
    settings = LikenessSettings(learnt_share=0.5, seen_share=0.5)
    fitted = fit_likeness(mean, adapted, mean, np.ones(250), settings)
    assert fitted is not None
    # the face was seen to be the mean speaker's: a rest that the network moved by 1 is put back
    np.testing.assert_allclose(fitted.corrected(mean, adapted, 1.0), mean, atol=1e-4)


def test_it_is_kept_in_a_style_and_a_style_without_it_is_read() -> None:
    nothing = np.zeros(12, np.float32)
    part = ExpressionPart({}, (), 0.0, "base", nothing, nothing, likeness=_fitted(60))
    stored = part.to_tensors()
    again = ExpressionPart.from_tensors(stored)
    assert again.likeness is not None and part.likeness is not None
    mean = _mean(30, 3)
    np.testing.assert_array_equal(again.likeness.corrected(mean, mean, 1.0), part.likeness.corrected(mean, mean, 1.0))
    before = dataclasses.replace(part, likeness=None).to_tensors()
    assert not [name for name in before.arrays if name.startswith("likeness")]
    assert ExpressionPart.from_tensors(before).likeness is None


@pytest.mark.parametrize(
    "damage",
    [
        {"spread": np.zeros(53, np.float32)},
        {"answers": np.zeros((3, 53), np.float32)},
        {"shift": np.full(53, np.nan, np.float32)},
        {"learnt_share": 3.0},
    ],
    ids=["spread", "answers", "shift", "share"],
)
def test_nonsense_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"spread|shape|share"):
        dataclasses.replace(_fitted(60), **damage)  # type: ignore[arg-type]


def test_a_motion_is_corrected_by_shares_of_two_people_and_without_one_it_is_the_same_object() -> None:
    first, second = _fitted(60), _fitted(100)
    motion = reference(_mean(30, 3), None).motion
    assert corrected_motion(motion, [(None, 1.0), (first, 0.0)]) is motion
    vector = motion.face_vector()
    mixed = corrected_motion(motion, [(first, 0.25), (second, 0.75)]).face_vector() - vector
    alone = [each.corrected(vector, vector, 1.0) - vector for each in (first, second)]
    np.testing.assert_allclose(mixed, 0.25 * alone[0] + 0.75 * alone[1], atol=1e-5)


def test_mimics_part_keeps_it_and_files_without_it_are_read() -> None:
    part = MimicPart(np.ones(128, np.float32), "model", _fitted(60))
    again = MimicPart.from_tensors(part.to_tensors())
    assert again.likeness is not None and len(again.likeness.moments) == 60
    assert MimicPart.from_tensors(MimicPart(part.code, "model").to_tensors()).likeness is None
