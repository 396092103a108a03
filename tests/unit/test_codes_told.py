# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel says of the pose codebook's entries that moved the last head."""

from __future__ import annotations

from core.client.report import describe_codes


def test_codes_are_counted_and_the_commonest_are_named_first() -> None:
    told = describe_codes(((7, 1), (12, 0), (7, 3), (9, 2), (12, 5), (7, 4), (3, 3)))
    assert told == "4 codes in 7 steps; commonest: 7 (3×), 12 (2×)."
    assert describe_codes(((7, 1), (12, 0))) == "2 codes in 2 steps, none twice."


def test_a_head_that_no_code_moved_has_no_line() -> None:
    assert describe_codes(()) == ""
