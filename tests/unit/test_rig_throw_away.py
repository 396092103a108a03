# SPDX-License-Identifier: GPL-3.0-or-later
"""The test of a convention made up to show what one costs."""

from __future__ import annotations

from core.rig.conventions.registry import match_keys


def test_my_studios_keys_are_known() -> None:
    names = ["MS_jaw_drop", "MS_lips_shut", "MS_smile_l", "MS_smile_r", "MS_wink_l", "MS_wink_r"]
    match = match_keys([*names, "MS_hat"], "Head")
    assert (match.convention.label, match.names) == ("My Studio", tuple(names))
    assert match.convention.blink_sides(match.meanings).tolist()[0] == [0, 0, 0, 0, 1, 0]  # type: ignore[union-attr]
