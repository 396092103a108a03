# SPDX-License-Identifier: GPL-3.0-or-later
"""MikuMikuDance models (mmd_tools): keys with Japanese names, five vowels and blinks."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from .base import BoneNames, KeyMatch, RigConvention

# in hiragana, after half-width letters and katakana were made into it
_MEANINGS = {
    "あ": "mouthA",
    "い": "mouthI",
    "う": "mouthU",
    "え": "mouthE",
    "お": "mouthO",
    "ん": "mouthClose",
    "まばたき": "eyeBlink",
    "うぃんく2": "eyeBlinkLeft",
    "うぃんく2右": "eyeBlinkRight",
    # winks that smile, where there are no others
    "うぃんく": "eyeBlinkLeft",
    "うぃんく右": "eyeBlinkRight",
}
_KATAKANA = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)}
_LIMITS = "This rig has the five vowels of a MikuMikuDance model: brows, cheeks and finer mouths do not show."


@dataclass(frozen=True)
class _MikuMikuDance(RigConvention):
    def match(self, names: Sequence[str], object_name: str) -> KeyMatch | None:
        """At least four vowels, by their whole names."""
        meanings = _read(names)
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


def _read(names: Sequence[str]) -> dict[str, str]:
    """Each meaning once, by its first spelling in the table."""
    plain = {name: _plain(name) for name in names}
    found: dict[str, str] = {}
    for spelling, meaning in _MEANINGS.items():
        name = next((name for name in names if plain[name] == spelling), None)
        if name is not None and meaning not in found.values():
            found[name] = meaning
    return {name: found[name] for name in names if name in found}


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().translate(_KATAKANA)


CONVENTION = _MikuMikuDance(
    label="MikuMikuDance",
    bones=BoneNames(head=("頭",), neck=("首",), left_eye=("左目",), right_eye=("右目",)),
)
