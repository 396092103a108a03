# SPDX-License-Identifier: GPL-3.0-or-later
"""MikuMikuDance models (mmd_tools): keys with Japanese names, five vowels and blinks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .base import BoneNames, KeyMatch, RigConvention

_MEANINGS = {
    "あ": "mouthA",
    "い": "mouthI",
    "う": "mouthU",
    "え": "mouthE",
    "お": "mouthO",
    "ん": "mouthClose",
    "まばたき": "eyeBlink",
    "ウィンク２": "eyeBlinkLeft",
    "ウィンク２右": "eyeBlinkRight",
    "ウィンク2": "eyeBlinkLeft",
    "ｳｨﾝｸ２右": "eyeBlinkRight",
}
_LIMITS = "This rig has the five vowels of a MikuMikuDance model: brows, cheeks and finer mouths do not show."


@dataclass(frozen=True)
class _MikuMikuDance(RigConvention):
    def match(self, names: Sequence[str], object_name: str) -> KeyMatch | None:
        """At least four vowels, by their whole names."""
        meanings = {name: _MEANINGS[name] for name in names if name in _MEANINGS}
        known = set(meanings.values())
        if len(known & {"mouthA", "mouthI", "mouthU", "mouthE", "mouthO"}) < 4:
            return None
        both_sides = {"eyeBlinkLeft", "eyeBlinkRight"} <= known
        chosen = {n: m for n, m in meanings.items() if not (both_sides and m == "eyeBlink")}
        left_out = tuple(name for name in meanings if name not in chosen)
        return KeyMatch(self, tuple(chosen), tuple(chosen.values()), left_out, found=len(chosen))

    def shortcomings(self, match: KeyMatch) -> str:
        """Five vowels are five vowels."""
        return _LIMITS


CONVENTION = _MikuMikuDance(
    label="MikuMikuDance",
    bones=BoneNames(head=("頭",), neck=("首",), left_eye=("左目",), right_eye=("右目",)),
)
