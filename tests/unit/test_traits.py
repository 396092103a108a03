# SPDX-License-Identifier: GPL-3.0-or-later
"""Traits and takes as numbers: what changes, what stays, and lips that go on meeting."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from core.direct.retake import TakeRange, blend_motions, take_weights
from core.errors import SettingsError
from core.face.basis import open_basis
from core.face.closures import SHUT_CM, lip_gap
from core.face.motion import Motion
from core.style.traits import amounts_like, measure_traits, with_amounts
from core.trait_settings import TraitAmounts
from tests.face_fixtures import talking_motion


def speaking(seed: int = 3, frames: int = 100) -> Motion:
    """Talks, meets its lips twice a second and turns its head."""
    motion = talking_motion(open_basis(), frames, seed)
    return motion.replace(expression=0.15 * motion.expression)


@pytest.mark.parametrize(("trait", "amount"), [("opening", 1.5), ("rounding", 1.6), ("brows", 0.4), ("nods", 1.8)])
def test_an_amount_changes_its_trait(trait: str, amount: float) -> None:
    before = speaking()
    after = with_amounts(before, TraitAmounts(**{trait: amount}))
    if trait == "nods":
        assert np.ptp(after.head[:, 0]) != pytest.approx(np.ptp(before.head[:, 0]), rel=0.02)
        assert np.array_equal(after.expression, before.expression)
        return
    ratio = getattr(measure_traits(after), trait) / getattr(measure_traits(before), trait)
    assert ratio == pytest.approx(amount, rel=0.25)


def test_lips_that_meet_go_on_meeting() -> None:
    before = speaking()
    shut = lip_gap(open_basis(), before) < SHUT_CM
    assert shut.any()
    after = with_amounts(before, TraitAmounts(opening=1.7, rounding=1.5))
    assert np.abs(lip_gap(open_basis(), after) - lip_gap(open_basis(), before))[shut].max() < 0.02


def test_a_face_at_rest_stays_at_rest() -> None:
    rest = speaking().replace(expression=np.zeros((100, 50), np.float32), jaw=np.zeros((100, 3), np.float32))
    after = with_amounts(rest, TraitAmounts(opening=2.0, rounding=2.0, brows=0.0, asymmetry=0.0))
    assert np.abs(after.expression).max() < 1e-4
    assert np.abs(after.jaw).max() < 1e-4


def test_amounts_copied_from_another_person_bring_the_trait_to_theirs() -> None:
    own, other = measure_traits(speaking(3)), measure_traits(speaking(7))
    copied = amounts_like(own, dataclasses.replace(other, brows=own.brows * 1.4), ("brows",))
    assert copied.brows == pytest.approx(1.4)
    assert dataclasses.replace(copied, brows=1.0) == TraitAmounts()


def test_an_amount_beyond_the_limits_is_refused() -> None:
    with pytest.raises(SettingsError, match="Brows is 7; it must lie between 0 and 2"):
        TraitAmounts(brows=7.0)


def test_a_take_changes_nothing_outside_its_range() -> None:
    before, take = speaking(3), speaking(9)
    where = TakeRange(1.0, 3.0, 0.2)
    weights = take_weights(100, 25.0, where)
    mixed = blend_motions(before, take, weights)
    outside = (np.arange(100) / 25.0 <= 1.0) | (np.arange(100) / 25.0 >= 3.0)
    assert not weights[outside].any()
    for name in ("expression", "jaw", "head", "gaze"):
        assert np.array_equal(getattr(mixed, name)[outside], getattr(before, name)[outside])
        assert np.array_equal(getattr(mixed, name)[40:60], getattr(take, name)[40:60])


def test_a_take_to_the_lines_end_is_not_blended_there() -> None:
    weights = take_weights(100, 25.0, TakeRange(2.0, 4.0, 0.2))
    assert weights[-1] == 1.0
    assert weights[50] == 0.0


def test_where_lips_meet_in_both_takes_they_meet_in_the_blend() -> None:
    before = speaking(3)
    take = with_amounts(before, TraitAmounts(opening=1.6))
    mixed = blend_motions(before, take, take_weights(100, 25.0, TakeRange(0.5, 3.5, 0.6)))
    gap, was = lip_gap(open_basis(), mixed), lip_gap(open_basis(), before)
    shut = was < SHUT_CM
    assert np.abs(gap - was)[shut].max() < 0.03
