# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the conventions of this folder, and the one that a mesh's shape keys follow."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from ...errors import RigError
from .base import BoneNames, BonesOnly, GazeKey, KeyMatch, RigConvention
from .controls import GAZE_WAYS


@cache
def conventions() -> tuple[RigConvention, ...]:
    """Every ``CONVENTION`` of this folder's files; those that are asked first come first, then by file name."""
    package = __name__.rpartition(".")[0]
    folder = importlib.import_module(package).__path__
    names = sorted(info.name for info in pkgutil.iter_modules(folder))
    modules = (importlib.import_module(f"{package}.{name}") for name in names)
    found = [module.CONVENTION for module in modules if hasattr(module, "CONVENTION")]
    return tuple(sorted(found, key=lambda convention: not convention.first))


def bone_names() -> BoneNames:
    """The bones of all conventions together: keys of one and bones of another are an everyday rig."""
    every = [convention.bones for convention in conventions()]

    def joined(part: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for bones in every for name in getattr(bones, part)))

    return BoneNames(*(joined(part) for part in ("jaw", "head", "neck", "left_eye", "right_eye")))


def match_keys(names: Sequence[str], object_name: str, by_hand: Mapping[str, str] | None = None) -> KeyMatch:
    """The convention that most of a mesh's shape keys follow, corrected by hand.

    by_hand: a key's name to what it stands for in ARKit's words, or to nothing for a key to leave out.
    Raises :class:`RigError` naming what was found where no convention fits, or the keys of one are damaged.
    """
    by_hand = by_hand or {}
    refusals: list[RigError] = []
    matches: list[KeyMatch] = []
    for convention in conventions():
        try:
            match = convention.match(names, object_name)
        except RigError as error:
            refusals.append(error)
            continue
        if match is not None:
            matches.append(match)
            if convention.first:
                break
    # the first of those that explain as many keys
    best = max(matches, key=lambda match: (match.convention.first, len(match.names)), default=None)
    chosen = {name: meaning for name, meaning in by_hand.items() if meaning and name in names}
    if best is None and not chosen:
        raise refusals[0] if refusals else _unknown(names, object_name)
    if best is None:
        best = KeyMatch(_controls(), (), ())
    return _corrected(best, chosen, names, by_hand)


def _corrected(
    match: KeyMatch, chosen: Mapping[str, str], names: Sequence[str], by_hand: Mapping[str, str]
) -> KeyMatch:
    if not by_hand:
        return match
    taken = set(chosen.values())
    meanings = {n: m for n, m in zip(match.names, match.meanings, strict=True) if m not in taken and n not in by_hand}
    meanings.update({name: meaning for name, meaning in chosen.items() if meaning not in GAZE_WAYS})
    gaze = (
        *(
            key
            for key in match.gaze
            if key.name not in by_hand and (key.eye, key.axis, key.sign) not in {GAZE_WAYS.get(m) for m in taken}
        ),
        *(GazeKey(name, *GAZE_WAYS[meaning]) for name, meaning in chosen.items() if meaning in GAZE_WAYS),
    )
    # numbered components keep their order, whatever else changes
    ordered = tuple(meanings) if match.signed else tuple(name for name in names if name in meanings)
    dropped = tuple(name for name in match.names if name not in meanings)
    out = (*match.left_out, *dropped, *(name for name, meaning in by_hand.items() if not meaning and name in names))
    return replace(
        match,
        names=ordered,
        meanings=tuple(meanings[name] for name in ordered),
        left_out=tuple(dict.fromkeys(out)),
        gaze=gaze,
        found=len(ordered),
    )


def _controls() -> RigConvention:
    """What keys are called that only the artist can name."""
    from .arkit import CONVENTION

    return replace(CONVENTION, label="chosen by hand")


def _unknown(names: Sequence[str], object_name: str) -> RigError:
    labels = ", ".join(c.label for c in conventions() if not isinstance(c, BonesOnly))
    return RigError(
        f'The mesh "{object_name}" has no expression keys; its {len(names)} shape keys are {_shortened(names)}.',
        f"Mimesh knows the names of {labels}. Else click Find Face Landmarks, which lets it choose the keys that move "
        "the mouth, or say in the Face Rig panel what each key does.",
    )


def _shortened(names: Sequence[str]) -> str:
    shown = ", ".join(names[:6])
    return shown if len(names) <= 6 else f"{shown}, ..."
