# SPDX-License-Identifier: GPL-3.0-or-later
"""The bank as a list: nearest first, and the small picture of each head's reach."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import SettingsError
from core.pose.bank import BANK_FILE, PoseBank
from core.pose.listing import list_poses, reach_axes, reach_picture, short_name
from core.style.parts import PosePart
from core.weights import bundled


@pytest.fixture(scope="module")
def bank() -> PoseBank:
    return PoseBank.load(bundled(BANK_FILE))


def reference_of(bank: PoseBank, index: int, prior_hash: str | None = None) -> PosePart:
    matrix = bank.entries[index].matrix
    return PosePart(
        matrix=matrix.rows,
        counts=matrix.counts,
        unit_hash=bank.unit_hash,
        encoder_hash="",
        prior_hash=prior_hash or bank.prior_hash,
    )


def test_a_style_of_the_bank_is_the_nearest_to_itself(bank: PoseBank) -> None:
    listed = list_poses(None, reference_of(bank, 9))
    assert listed[0].name == bank.entries[9].name
    assert listed[0].distance == 0.0
    assert [pose.distance for pose in listed] == sorted(pose.distance for pose in listed)


def test_a_reference_of_another_prior_has_no_distance(bank: PoseBank) -> None:
    listed = list_poses(None, reference_of(bank, 9, prior_hash="another"))
    assert [pose.name for pose in listed] == [entry.name for entry in bank.entries]
    assert all(np.isinf(pose.distance) for pose in listed)


def test_twice_the_amplitude_is_twice_as_far_a_nod(bank: PoseBank) -> None:
    listed = {pose.name: pose for pose in list_poses(None, None)}
    plain, wide = listed["obama_address_20s"], listed["obama_address_20s (amplitude 2)"]
    assert wide.nod_degrees / plain.nod_degrees == pytest.approx(2.0, rel=0.1)


def test_the_picture_is_as_wide_as_the_head_turns_and_as_high_as_it_nods() -> None:
    picture = reach_picture(nod_degrees=2.0, turn_degrees=6.0, together=0.0, pixels=64, degrees=8.0)
    filled = picture > 0.5
    assert filled.any(axis=0).sum() * 16.0 / 64 == pytest.approx(12.0, abs=0.6)
    assert filled.any(axis=1).sum() * 16.0 / 64 == pytest.approx(4.0, abs=0.6)
    assert picture.min() == 0.0 and picture.max() == 1.0


def test_the_axes_cross_in_the_middle_with_a_tick_every_two_degrees() -> None:
    axes = reach_axes(pixels=128, degrees=6.0)
    assert (axes[64] > 0).all() and (axes[:, 64] > 0).all()
    beside = np.flatnonzero(axes[66] > 0)
    assert list(np.diff(beside).round(-1)) == [20] * 5
    assert np.array_equal(axes, axes.T)


def test_a_style_is_followed_by_its_name_whatever_is_nearest(bank: PoseBank) -> None:
    found = bank.named(bank.entries[5].name, bank.entries[9].matrix)
    assert (found.neighbours[0].name, found.neighbours[0].share) == (bank.entries[5].name, 1.0)
    assert found.neighbours[0].distance > 0.0
    assert np.array_equal(found.embedding, bank.entries[5].embedding)
    with pytest.raises(SettingsError, match="nobody"):
        bank.named("nobody")


def test_short_names_say_whose_head_and_how_it_is_varied() -> None:
    assert short_name("obama_diwali_30s (amplitude 0.75)") == "obama diwali ×0.75"
    assert short_name("obama_diwali_30s (nods 3°)") == "obama diwali nods 3°"
    assert short_name("Ada") == "Ada"
    shorts = [short_name(pose.name) for pose in list_poses(None, None)]
    assert len(set(shorts)) == len(shorts)
