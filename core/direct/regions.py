# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a face in one rig's own controls: what of a pose is lips, jaw, brows and lids, and its mirror image.

Told from what the keys do to the landmarks, so that any rig has them, whatever its keys are called.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.basis import FaceBasis
from ..face.landmarks import CHIN_POINTS, LIPS, LOWER_LIP_INNER, SKIN_COUNT
from ..face.lids import LidChart, lid_chart
from ..face.rotations import FloatArray
from ..rig.solve import RigSolver

_NOSE_BASE = 2
_LOWER_LIDS = np.array([145, 374])
_RIDGE = 1e-3
# two keys of bounds 0 to 1 are each other's mirror image from this cosine on
_ALIKE = 0.7
# a key that moves the chin by this share of what it moves the lower lip opens the jaw altogether
_JAW_SHARE = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """All (K, K), applied as ``values @ matrix``. upper, lips, jaw: parts that add up to the whole.

    mirror: the same pose with left and right exchanged. lids: what shuts the eyes: a chart, (K,) shares of keys that
    do it, or None. low, high: bounds of the keys.
    """

    upper: FloatArray
    lips: FloatArray
    jaw: FloatArray
    mirror: FloatArray
    lids: LidChart | FloatArray | None
    low: float
    high: float

    def lid_part(self, values: FloatArray) -> FloatArray:
        """(T, K) what of the values holds the lids shut."""
        if self.lids is None:
            return np.zeros_like(values)
        if isinstance(self.lids, LidChart):
            return values - self.lids.opened(values)
        return values * self.lids

    def closure(self, values: FloatArray, lids: FloatArray) -> FloatArray:
        """(T,) how far the more closed eye is shut, 0 to 1."""
        if isinstance(self.lids, LidChart):
            found: FloatArray = self.lids.closure_of(values).max(axis=1)
            return found
        shut: FloatArray = lids.max(axis=1, initial=0.0)
        return shut


def make_regions(solver: RigSolver) -> Regions:
    """The regions of a prepared rig."""
    basis, face = solver.basis, solver.face
    moves = np.asarray(basis.directions if face is None else face.keys, np.float64)
    if face is not None:
        moves = moves * face.valid[:, None]
    moves = moves[:, :SKIN_COUNT]
    signed = solver.rig.convention.signed
    fit = _LeastSquares(moves)
    above = _share_above(basis)
    lids = lid_chart(basis) if face is None else _lids_of(solver)
    if signed:
        upper = fit.matrix(moves * above[:, None])
        jaw = np.zeros_like(upper) if solver.rig.turns_jaw() else _along(fit, basis)
        mirror = fit.matrix(_mirrored(moves, basis))
    else:
        upper = np.diag(np.round(_share(moves, above)))
        jaw = np.diag(_jaw_shares(moves)) @ (np.eye(len(moves)) - upper)
        mirror = _pairs(moves, _mirrored(moves, basis))
    low, high = (-np.inf, np.inf) if signed else (0.0, 1.0)
    return Regions(upper, np.eye(len(moves)) - upper - jaw, jaw, mirror, lids, low, high)


@dataclass(frozen=True, slots=True, eq=False)
class _LeastSquares:
    """Finds keys (K,) for movements of the landmarks. moves: (K, 468, 3)."""

    moves: FloatArray

    def matrix(self, targets: FloatArray) -> FloatArray:
        """(N, 468, 3) to (N, K)."""
        flat = self.moves.reshape(len(self.moves), -1)
        gram = flat @ flat.T
        gram += _RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
        found: FloatArray = np.linalg.solve(gram, flat @ targets.reshape(len(targets), -1).T).T
        return found


def _lids_of(solver: RigSolver) -> LidChart | FloatArray | None:
    if solver.lids is None:
        return None
    if solver.lids.blink_keys is not None:
        return (solver.lids.blink_keys > 0).any(axis=0).astype(np.float64)
    return solver.lids.rig_lids


def _share_above(basis: FaceBasis) -> NDArray[np.float64]:
    """(468,) 0 from the nose's base down, 1 from the lower lids up."""
    height = basis.neutral[:SKIN_COUNT, 1].astype(np.float64)
    bottom, top = height[_NOSE_BASE], height[_LOWER_LIDS].mean()
    return np.clip((height - bottom) / (top - bottom), 0.0, 1.0)


def _share(moves: FloatArray, weights: FloatArray) -> FloatArray:
    energy = (moves**2).sum(axis=2)
    found: FloatArray = (energy * weights).sum(axis=1) / np.maximum(energy.sum(axis=1), 1e-12)
    return found


def _jaw_shares(moves: FloatArray) -> FloatArray:
    """(K,) how much of a key is the jaw: keys that carry the chin down along with the lower lip."""
    chin, lip = moves[:, CHIN_POINTS, 1].mean(axis=1), moves[:, LOWER_LIP_INNER, 1]
    far = np.abs(moves[:, LIPS]).max(axis=(1, 2))
    opens = (chin < 0) & (lip < 0) & (np.abs(lip) > 0.3 * far)
    share = np.where(opens, chin / np.minimum(lip, -1e-9), 0.0)
    found: FloatArray = np.clip(share / _JAW_SHARE, 0.0, 1.0)
    found[found < 0.5] = 0.0
    return found


def _along(fit: _LeastSquares, basis: FaceBasis) -> FloatArray:
    """(K, K) the part of a pose that is an opening of the jaw, for keys without a bone beside them."""
    tangent = np.cross(basis.hinge_axis, basis.neutral[:SKIN_COUNT] - basis.hinge_point)
    opening = tangent * basis.jaw_weights[:SKIN_COUNT, None]
    keys = fit.matrix(opening[None])[0]
    moved = np.tensordot(keys, fit.moves, axes=1).ravel()
    length = float(moved @ moved)
    if length < 1e-12:
        return np.zeros((len(keys), len(keys)))
    found: FloatArray = np.outer(fit.moves.reshape(len(keys), -1) @ moved / length, keys)
    return found


def _mirrored(moves: FloatArray, basis: FaceBasis) -> FloatArray:
    points = basis.neutral[:SKIN_COUNT].astype(np.float64)
    image = points * [-1.0, 1.0, 1.0]
    partner = ((image[:, None] - points[None]) ** 2).sum(axis=2).argmin(axis=1)
    found: FloatArray = moves[:, partner] * [-1.0, 1.0, 1.0]
    return found


def _pairs(moves: FloatArray, images: FloatArray) -> FloatArray:
    """(K, K) a permutation: each key and the one that looks like its mirror image; itself where none does."""
    flat, image = moves.reshape(len(moves), -1), images.reshape(len(moves), -1)
    norms = np.linalg.norm(flat, axis=1)
    alike = image @ flat.T / np.maximum(np.outer(norms, norms), 1e-12)
    best = alike.argmax(axis=1)
    mutual = (best[best] == np.arange(len(best))) & (alike.max(axis=1) > _ALIKE)
    return np.eye(len(moves))[np.where(mutual, best, np.arange(len(best)))]
