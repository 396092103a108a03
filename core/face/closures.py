# SPDX-License-Identifier: GPL-3.0-or-later
"""Lip gap and closure: measures the gap of the inner lips, and preserves closures (m, b, p) in a styled motion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .basis import FaceBasis
from .landmarks import OPENING_PAIRS
from .motion import EXPRESSION_SIZE, MOTION_SIZE, Motion
from .rotations import FloatArray, matrix_from_rotvec
from .series import smoothstep

# inner-lip gaps in cm: up to the first the mouth counts as shut, from the second on as open
SHUT_CM = 0.12
OPEN_CM = 0.35
# one radian of jaw is worth this many units of expression: the jaw's typical range against a coefficient's
_JAW_UNIT_RADIANS = 0.05
_ROUNDS = 3


def keep_closures(base: Motion, styled: Motion, basis: FaceBasis, open_cm: float = OPEN_CM) -> Motion:
    """Move ``styled`` so that its lip gap equals that of ``base`` where the latter is shut.

    open_cm: the gap of ``base`` from which on nothing is moved; from ``SHUT_CM`` to it a share of the way. Only the
    part of the coefficients that moves the gap is changed (least change, a few Newton steps), so a smile stays while
    the lips close.
    """
    wanted = lip_gap(basis, base)
    shut = closedness(wanted, open_cm)
    gradient = gap_gradient(basis)
    units = np.ones(MOTION_SIZE)
    units[EXPRESSION_SIZE:] = _JAW_UNIT_RADIANS
    direction = gradient * units**2
    direction /= gradient @ direction
    for _ in range(_ROUNDS):
        excess: FloatArray = shut * (lip_gap(basis, styled) - wanted)
        styled = _moved(styled, np.outer(-excess, direction))
    return styled


def lip_gap(basis: FaceBasis, motion: Motion) -> NDArray[np.float64]:
    """(T,) signed height of the inner lips' opening in cm, negative when they pass through each other."""
    motion.require_basis(basis.hash)
    return gap_of_vectors(basis, motion.face_vector())


def closedness(gap: FloatArray, open_cm: float = OPEN_CM) -> NDArray[np.float64]:
    """(T,) 1 where shut, 0 where open, smooth between."""
    return smoothstep((open_cm - np.asarray(gap, np.float64)) / (open_cm - SHUT_CM))


def gap_of_vectors(basis: FaceBasis, vectors: FloatArray) -> NDArray[np.float64]:
    """:func:`lip_gap` of bare (T, 53) coefficients."""
    # six points instead of 478, since all frames are needed several times
    points = OPENING_PAIRS.ravel()
    expression = np.tensordot(vectors[:, :EXPRESSION_SIZE], basis.directions[:, points], axes=1)
    posed = basis.neutral[points] + expression
    rotation = matrix_from_rotvec(vectors[:, EXPRESSION_SIZE:]) - np.eye(3)
    turned = np.einsum("tij,tnj->tni", rotation, posed - basis.hinge_point)
    height = (posed + turned * basis.jaw_weights[points, None])[..., 1]
    gap: NDArray[np.float64] = (height[:, 0::2] - height[:, 1::2]).mean(axis=1)
    return gap


def gap_gradient(basis: FaceBasis) -> NDArray[np.float64]:
    """(53,) cm of gap per coefficient at rest; it is linear in the expression and nearly so in the jaw."""
    step = 1e-3
    rest = np.zeros((1, MOTION_SIZE))
    return (gap_of_vectors(basis, step * np.eye(MOTION_SIZE)) - gap_of_vectors(basis, rest)) / step


def _moved(motion: Motion, change: FloatArray) -> Motion:
    vector = (motion.face_vector() + change).astype(np.float32)
    return motion.replace(expression=vector[:, :EXPRESSION_SIZE], jaw=vector[:, EXPRESSION_SIZE:])
