# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a control's name however a tool spells it: ``Mouth_Smile.L``, ``l_mouthSmile``, ``blendShape1.jawOpen``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Sided = Literal["never", "may", "must"]

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
# Blender's number of a copy
_COPY = re.compile(r"\.\d{3}$")
_SIDES = {"l": "Left", "left": "Left", "r": "Right", "right": "Right"}


@dataclass(frozen=True, slots=True)
class Spelt:
    """A name that was understood. prefix, suffix: the words around the control, numbers aside."""

    name: str
    meaning: str
    prefix: tuple[str, ...]
    suffix: tuple[str, ...]
    used: int


@dataclass(frozen=True, slots=True)
class _Stem:
    meaning: str
    sided: Sided


class Speller:
    """Knows the controls of one convention.

    controls: the convention's words for each control in any spelling, with what it stands for and whether it comes in
    two sides. A side (Left, L, left, l; anywhere in the name) is put behind the meaning.
    """

    def __init__(self, controls: Iterable[tuple[str, str, Sided]]) -> None:
        self._stems: dict[str, _Stem] = {}
        self._whole: dict[str, str] = {}
        for spelling, meaning, sided in controls:
            joined = "".join(words(spelling))
            self._stems[joined] = _Stem(meaning, sided)
            if sided != "must":
                self._whole[joined] = meaning
            if sided != "never":
                # all in one case there is no telling where a word ends
                for word, side in _SIDES.items():
                    self._whole.setdefault(joined + word, meaning + side)
                    self._whole.setdefault(word + joined, meaning + side)

    def read(self, name: str) -> Spelt | None:
        """What a key's name says; None where it is none of the controls."""
        found = words(name)
        best: Spelt | None = None
        for at in (None, *(i for i, word in enumerate(found) if word in _SIDES)):
            side = "" if at is None else _SIDES[found[at]]
            rest = [word for i, word in enumerate(found) if i != at]
            for start in range(len(rest)):
                for end in range(len(rest), start, -1):
                    meaning = self._meaning("".join(rest[start:end]), side)
                    used = end - start + (at is not None)
                    if meaning is not None and (best is None or used > best.used):
                        best = Spelt(name, meaning, _around(rest[:start]), _around(rest[end:]), used)
        return best

    def _meaning(self, joined: str, side: str) -> str | None:
        if not side:
            return self._whole.get(joined)
        stem = self._stems.get(joined)
        return None if stem is None or stem.sided == "never" else stem.meaning + side


def words(name: str) -> list[str]:
    """``Mouth_SmileLeft.001`` to mouth, smile, left."""
    return [word.lower() for word in _WORD.findall(_COPY.sub("", name))]


def read_all(speller: Speller, names: Sequence[str]) -> tuple[list[Spelt], list[str]]:
    """All names that are spelled in one way, each control once, and those that say a control again.

    A prefix or suffix is a way of spelling when most of the keys have it: ``Hat_jawOpen`` beside 51 keys without
    is something else. Of a key and its copy (``jawOpen.001``) the key counts.
    """
    spelt = [found for found in map(speller.read, names) if found is not None]
    ways = Counter((found.prefix, found.suffix) for found in spelt)
    if not ways:
        return [], []
    commonest = max(ways, key=lambda way: (ways[way], -len(way[0]) - len(way[1])))
    chosen: dict[str, Spelt] = {}
    again: list[str] = []
    for found in sorted(spelt, key=lambda found: bool(_COPY.search(found.name))):
        if (found.prefix, found.suffix) != commonest:
            continue
        if found.meaning in chosen:
            again.append(found.name)
        else:
            chosen[found.meaning] = found
    order = {name: index for index, name in enumerate(names)}
    return sorted(chosen.values(), key=lambda found: order[found.name]), again


def without_both(meanings: Mapping[str, str], both: str) -> set[str]:
    """Names of keys that do with both sides what a left and a right key (``both`` + Left, Right) do alone."""
    known = set(meanings.values())
    if not {f"{both}Left", f"{both}Right"} <= known:
        return set()
    return {name for name, meaning in meanings.items() if meaning == both}


def _around(found: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in found if not word.isdigit())
