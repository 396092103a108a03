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
_SIDES = {
    **dict.fromkeys(("l", "left", "lf", "lft", "lt", "links"), "Left"),
    **dict.fromkeys(("r", "right", "rt", "rgt", "rght", "rechts"), "Right"),
}
# a key with one of these words corrects another one, or is an old version of it
_CORRECTIVES = {"fix", "fixes", "corr", "corrective", "correction", "combo", "old", "backup", "bak", "test"}


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
    """Each control once, in the commonest way of spelling, and those that say a control again.

    A way of spelling is what stands around the control. ``Hat_jawOpen`` beside 51 keys without a prefix is something
    else when ``jawOpen`` is there; keys from two tools in one mesh complete each other. Of a key and its copy
    (``jawOpen.001``) the key counts.
    """
    spelt = [found for found in map(speller.read, names) if found is not None and not _corrects(speller, found)]
    ways = Counter(map(_way, spelt))
    ranked = {way: rank for rank, way in enumerate(sorted(ways, key=lambda way: (-ways[way], sum(map(len, way)))))}
    chosen: dict[str, Spelt] = {}
    again: list[str] = []
    for found in sorted(spelt, key=lambda found: (ranked[_way(found)], bool(_COPY.search(found.name)))):
        if found.meaning in chosen:
            if ranked[_way(found)] == 0:
                again.append(found.name)
        # a short word in another way of spelling (``Jacket_Open``) says too little
        elif ranked[_way(found)] == 0 or found.used > 1 or ways[_way(found)] > 1 or _part_of_first(found, ranked):
            chosen[found.meaning] = found
    order = {name: index for index, name in enumerate(names)}
    return sorted(chosen.values(), key=lambda found: order[found.name]), again


def _way(found: Spelt) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return found.prefix, found.suffix


def _part_of_first(found: Spelt, ranked: Mapping[tuple[tuple[str, ...], tuple[str, ...]], int]) -> bool:
    """``vrc.blink`` beside ``vrc.v_aa``: nothing around it that is not around the others."""
    first = next(way for way, rank in ranked.items() if rank == 0)
    return set(found.prefix) <= set(first[0]) and set(found.suffix) <= set(first[1])


def _corrects(speller: Speller, found: Spelt) -> bool:
    """A corrective key, or one for two controls at once (``jawOpen_mouthSmileLeft``)."""
    around = {*found.prefix, *found.suffix}
    if around & _CORRECTIVES:
        return True
    rest = ("_".join(part) for part in (found.prefix, found.suffix) if len(part) > 1)
    return any((other := speller.read(part)) is not None and other.used > 1 for part in rest)


def without_both(meanings: Mapping[str, str], both: str) -> set[str]:
    """Names of keys that do with both sides what a left and a right key (``both`` + Left, Right) do alone."""
    known = set(meanings.values())
    if not {f"{both}Left", f"{both}Right"} <= known:
        return set()
    return {name for name, meaning in meanings.items() if meaning == both}


def _around(found: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in found if not word.isdigit())
