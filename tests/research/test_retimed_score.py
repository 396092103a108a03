# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as a met closure, and which units count as known words, in the score of re-timed faces."""

from __future__ import annotations

import numpy as np

from core.models.speech.articulation import ARPABET
from research.corpus.phones import Phone
from research.corpus.unit_selection import PhoneSequence
from research.evaluation.time_warped import closed_share, same_triphone

M = ARPABET.index("M")


def _sequence(spelt: str) -> PhoneSequence:
    return PhoneSequence.of([Phone(name, i * 0.2, (i + 1) * 0.2) for i, name in enumerate(spelt.split())])


def test_closure_counts_where_the_mouth_gets_near_its_least_opening() -> None:
    target = _sequence("AA M AA M AA")
    opening = np.ones(25)
    opening[7] = 0.0
    assert closed_share(opening, target, [M]) == (1, 2)
    opening[17] = 0.05
    assert closed_share(opening, target, [M]) == (2, 2)
    opening[17] = 0.3
    assert closed_share(opening, target, [M]) == (1, 2)


def test_only_the_same_phone_between_the_same_neighbours_is_a_known_triphone() -> None:
    target, units = _sequence("SIL M AA T SIL"), _sequence("SIL M AA T M AA M SIL")
    known = same_triphone(target, units)
    at_aa = target.name == ARPABET.index("AA")
    np.testing.assert_array_equal(units.left[known[at_aa][0]], [M])
    assert known[at_aa].sum() == 1
    # pauses are always allowed
    assert not known[target.name == ARPABET.index("SIL")].any()
