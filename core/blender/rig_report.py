# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a face would be driven by what, told before anything is run. Main thread only."""

from __future__ import annotations

import bpy

from ..rig.conventions.arkit import CONVENTION as ARKIT
from ..rig.explain import describe_match
from .read_rig import read_rig, require_mesh
from .rig_choice import choose_keys, chosen_keys


def describe_rig(obj: bpy.types.Object | None) -> tuple[str, ...]:
    """One line each. Raises :class:`RigError` where the mesh cannot be used."""
    return describe_match(read_rig(obj))


def set_meaning(obj: bpy.types.Object | None, key: str, meaning: str, forget: bool = False) -> None:
    """Say what a shape key does (in ARKit's words, nothing to leave it out), or let Mimesh read its name again."""
    obj = require_mesh(obj)
    meanings = {name: kept for name, kept in chosen_keys(obj).items() if name != key}
    choose_keys(obj, meanings if forget else {**meanings, key: meaning})


def known_meanings() -> tuple[str, ...]:
    """The words that a key's meaning may be."""
    sides = ("Left", "Right")
    sided = [f"{meaning}{side}" for meaning in (*ARKIT.sided.values(), *ARKIT.gaze.values()) for side in sides]
    return (*ARKIT.controls.values(), *ARKIT.sided.values(), *sided, "mouthLeft", "mouthRight", "jawLeft", "jawRight")
