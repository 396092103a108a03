# SPDX-License-Identifier: GPL-3.0-or-later
"""Blinks are taken out of what adaptation learns from, and nothing else is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import ModelError
from core.face.basis import open_basis
from core.face.landmarks import LIPS
from core.face.lids import lid_chart, lid_opening
from core.models.adamesh.blink_removal import blink_frames, without_blinks
from core.tracking.reference import TrackedReference
from tests.adapt_made import face, reference, spoken

FRAMES = 150
# seconds of a blink's bottom
BLINKS = (1.2, 2.0, 3.4, 4.8)


def closure() -> NDArray[np.float64]:
    """(T,) lids that shut and open again within a quarter of a second."""
    away = np.abs(np.arange(FRAMES)[:, None] / 25 - np.array(BLINKS)).min(axis=1)
    return np.clip(1 - away / 0.12, 0.0, 1.0)


def blinking(weights: NDArray[np.float32] | None = None) -> tuple[TrackedReference, TrackedReference]:
    """Somebody who speaks, without and with blinks."""
    motion = face(FRAMES, 1, gain=1.3)
    shut = motion.copy()
    shut[:, :50] = lid_chart(open_basis()).closed(motion[:, :50], closure())
    speech = spoken(FRAMES, 1)
    return reference(motion, speech, weights), reference(shut, speech, weights)


def test_the_lids_stay_where_they_would_be() -> None:
    clear, blinks = blinking()
    assert lid_opening(blinks.landmarks).min() < 0.3 * lid_opening(clear.landmarks).min()
    opened = without_blinks(blinks, open_basis())
    np.testing.assert_allclose(lid_opening(opened.landmarks), lid_opening(clear.landmarks), atol=0.03)
    np.testing.assert_allclose(
        lid_opening(open_basis().landmarks(opened.motion)), lid_opening(opened.landmarks), atol=1e-3
    )


def test_lips_and_frames_outside_blinks_are_left_alone() -> None:
    _, blinks = blinking()
    opened, during = without_blinks(blinks, open_basis()), blink_frames(blinks)
    assert 0.1 < during.mean() < 0.5 and during[closure() > 0.1].all()
    np.testing.assert_array_equal(opened.motion.expression[~during], blinks.motion.expression[~during])
    np.testing.assert_array_equal(opened.motion.jaw, blinks.motion.jaw)
    # a twentieth of a millimetre
    assert np.abs(opened.landmarks - blinks.landmarks)[:, LIPS].max() < 0.005


def test_what_has_no_blinks_is_returned_as_it_is() -> None:
    clear, _ = blinking()
    assert without_blinks(clear, open_basis()) is clear
    lost, _ = blinking(np.zeros(FRAMES, np.float32))
    assert without_blinks(lost, open_basis()) is lost


def test_a_motion_of_another_basis_is_refused() -> None:
    _, blinks = blinking()
    other = dataclasses.replace(blinks, motion=blinks.motion.replace(basis_hash="another"))
    with pytest.raises(ModelError, match="basis"):
        without_blinks(other, open_basis())
