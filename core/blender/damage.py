# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes and keys whose points are no numbers, or absurdly far away: left out or refused. Main thread only."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..errors import RigError

# a key that moves a point by more sizes of its mesh is damaged
_MOST_SIZES = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class KeyShapes:
    """names: (K,) keys that are whole; deltas: (K, V, 3) what they do. damaged: names of the others."""

    names: tuple[str, ...]
    deltas: NDArray[np.float32]
    damaged: tuple[str, ...]


def require_points(obj: bpy.types.Object, vertices: NDArray[np.float32]) -> None:
    """Raises :class:`RigError` for a mesh (V, 3) with points that stand nowhere."""
    broken = np.flatnonzero(~np.isfinite(vertices).all(axis=1))
    if len(broken):
        raise RigError(
            f'{len(broken)} of the {len(vertices)} points of "{obj.name}" are damaged: their place is not a number '
            f"(first: vertex {broken[0]}).",
            "Delete these vertices in Edit Mode, or go back to a file in which the mesh is whole.",
        )


def whole_keys(
    obj: bpy.types.Object, names: tuple[str, ...], deltas: NDArray[np.float32], vertices: NDArray[np.float32]
) -> KeyShapes:
    """Of the keys (K, V, 3) those that hold numbers, and such as belong to a mesh of this size (V, 3).

    Raises :class:`RigError` where none does.
    """
    reach = _MOST_SIZES * float(np.ptp(vertices, axis=0).max(initial=0.0))
    # a comparison with what is not a number is false
    whole = (np.abs(deltas) <= reach).all(axis=(1, 2))
    damaged = tuple(name for name, good in zip(names, whole, strict=True) if not good)
    if not whole.any():
        raise RigError(
            f'All {len(damaged)} expression keys of "{obj.name}" are damaged, first {damaged[0]}: their points lie at '
            "no number, or absurdly far away.",
            "Go back to a file in which they are whole, or import the character again.",
        )
    if not damaged:
        return KeyShapes(names, deltas, ())
    return KeyShapes(tuple(name for name in names if name not in damaged), deltas[whole], damaged)
