# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys chosen by what they do on the mesh, where their names say nothing.

A key that talks moves the lips, or shuts the eyes, and leaves the steady parts of the face where they are; a key of
the person (thin, old, long nose) moves those as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import RigError
from ...face.landmarks import EYE_LEFT, EYE_RIGHT, LIPS, STABLE
from ...face.rotations import FloatArray
from .base import KeyMatch
from .controls import NamedControls

# of the distance between the outer eye corners: what moves the lips less does not talk
_LEAST_LIPS = 0.02
_LEAST_LIDS = 0.04
# steady skin may move by this share of the greatest movement of lips or lids
_STEADY = 0.25
_LEAST_KEYS = 3
_OUTER_CORNERS = (33, 263)
_UPPER_LIDS = ((386, 0), (159, 1))

BY_SHAPE = NamedControls(
    label="keys chosen by what they do",
    needed=1,
    limits="The names of this rig's keys say nothing; {keys} keys were chosen because they move the lips or the lids.",
)


def match_by_shape(names: Sequence[str], directions: FloatArray, neutral: FloatArray, object_name: str) -> KeyMatch:
    """Choose among ``names`` by their landmark displacements (K, 478, 3) from ``neutral`` (478, 3), in any unit.

    Raises :class:`RigError` where too few of them move the lips.
    """
    size = float(np.linalg.norm(neutral[_OUTER_CORNERS[0]] - neutral[_OUTER_CORNERS[1]]))
    moved = np.linalg.norm(directions, axis=2) / max(size, 1e-12)
    lips, steady = moved[:, LIPS].max(axis=1), np.median(moved[:, STABLE], axis=1)
    lids = np.stack([moved[:, eye].max(axis=1) for eye in (EYE_LEFT, EYE_RIGHT)], axis=1)
    talks = (lips > _LEAST_LIPS) & (steady < _STEADY * lips)
    blinks = (lids.max(axis=1) > _LEAST_LIDS) & (steady < _STEADY * lids.max(axis=1)) & ~talks
    if talks.sum() < _LEAST_KEYS:
        raise RigError(
            f'Only {int(talks.sum())} of the {len(names)} shape keys of "{object_name}" move the lips, '
            f"and their names are not known ({', '.join(names[:6])}).",
            "Choose the mesh of the face, or say in the Face Rig panel what each key does.",
        )
    shutting = _shutting(directions, neutral, size)
    meanings = [
        "" if not (talk or blink) else _blink(shut) if blink else f"mouth shape {name}"
        for name, talk, blink, shut in zip(names, talks, blinks, shutting, strict=True)
    ]
    chosen = {name: meaning for name, meaning in zip(names, meanings, strict=True) if meaning}
    left_out = tuple(name for name in names if name not in chosen)
    return KeyMatch(BY_SHAPE, tuple(chosen), tuple(chosen.values()), left_out, found=len(chosen))


def _shutting(directions: FloatArray, neutral: FloatArray, size: float) -> FloatArray:
    """(K, 2) whether a key brings the left and the right upper lid most of the way to the lower one."""
    lower = {386: 374, 159: 145}
    shares = np.zeros((len(directions), 2))
    for upper, eye in _UPPER_LIDS:
        opening = neutral[upper] - neutral[lower[upper]]
        height = float(np.linalg.norm(opening))
        change = (directions[:, upper] - directions[:, lower[upper]]) @ opening / max(height, 1e-9 * size)
        shares[:, eye] = -change / max(height, 1e-9 * size)
    return shares


def _blink(shut: FloatArray) -> str:
    left, right = bool(shut[0] > 0.6), bool(shut[1] > 0.6)
    return {(True, True): "eyeBlink", (True, False): "eyeBlinkLeft", (False, True): "eyeBlinkRight"}.get(
        (left, right), "upper face"
    )
