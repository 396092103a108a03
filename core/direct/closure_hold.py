# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps lips shut where a line's own motion shuts them, whatever else is done to it. Measured on the rig's lips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.rotations import FloatArray, matrix_from_rotvec
from ..face.series import smoothstep
from ..rig.face import rig_face
from ..rig.lips import VisibleLips, silhouette_gaps
from ..rig.opening import shut_gaps
from ..rig.solve import RigMotion, RigSolver

# centimetres of a gap that the shut mouth does not have: up to the first lips count as shut, from the second as open
SHUT_CM, OPEN_CM = 0.06, 0.25
# columns across the middle of the mouth: at the corners lips touch in an open mouth too
MIDDLE = slice(2, 7)
_CHUNK_FRAMES = 400
_ROUNDS = 2
# the gap counts this much against a centimetre moved elsewhere
_GAP_WEIGHT = 300.0
_RIDGE = 1e-4
# what these rounds leave open: from the first on the line's own pose is mixed in, at the second it is all
_LEFT_CM, _FAILED_CM = 0.02, 0.06
# a firm closure presses this much deeper
_PRESS_CM = 0.04


@dataclass(frozen=True, slots=True, eq=False)
class Lips:
    """The lips of a rig and how its keys shut them. directions: (C, K) keys per centimetre of each column's gap."""

    visible: VisibleLips
    shut: FloatArray
    directions: FloatArray

    def openings(self, values: FloatArray, jaw: FloatArray) -> NDArray[np.float64]:
        """(T,) centimetres that the middle of the mouth is open beyond its shut state, for keys and jaw."""
        return middle_opening(self.gaps(values, jaw), self.shut)

    def gaps(self, values: FloatArray, jaw: FloatArray) -> FloatArray:
        """(T, C) visible gaps, in pieces: all frames at once are hundreds of megabytes."""
        starts = range(0, len(values), _CHUNK_FRAMES)
        pieces = [self.visible.gaps(values[s : s + _CHUNK_FRAMES], jaw[s : s + _CHUNK_FRAMES]) for s in starts]
        found: FloatArray = np.concatenate(pieces) if pieces else np.zeros((0, len(self.shut)))
        return found


def middle_opening(gaps: FloatArray, shut: FloatArray) -> NDArray[np.float64]:
    """(T, C) to (T,)."""
    mean: NDArray[np.float64] = (gaps - shut)[:, MIDDLE].mean(axis=1)
    return mean


def find_lips(solver: RigSolver) -> Lips | None:
    """None for a rig whose lips are not known."""
    if solver.rig.binding is None:
        return None
    face = solver.face or rig_face(solver.rig, solver.basis)
    growth = face.lips.gaps_per_key()
    flat = (face.keys * face.valid[:, None]).reshape(len(face.keys), -1)
    cost = flat @ flat.T
    cost += _RIDGE * np.trace(cost) / len(cost) * np.eye(len(cost))
    directions = np.linalg.solve(cost + _GAP_WEIGHT * growth @ growth.T, _GAP_WEIGHT * growth).T
    return Lips(face.lips, shut_gaps(face.lips.rest), directions)


@dataclass(frozen=True, slots=True, eq=False)
class ClosureHold:
    """Of one line on one rig: see :func:`make_hold`.

    opening: (2, T) centimetres of the styled and of the plain line. values, jaw, gaps: the pose and its gaps of
    whichever is shut further. crests: the lips with only those points that show in a shut mouth.
    """

    lips: Lips
    crests: VisibleLips
    opening: NDArray[np.float64]
    values: FloatArray
    jaw: FloatArray
    gaps: FloatArray

    def weight(self, strength: float, emphasis: float) -> NDArray[np.float64]:
        """(T,) 1 where the lips must be shut, 0 where they are free.

        The plain line's closures count by as much of it as is mixed in, and for a firm closure.
        """
        styled, plain = (_closedness(opening, emphasis) for opening in self.opening)
        share = max(1.0 - strength, emphasis, 0.0)
        return styled + share * np.maximum(plain - styled, 0.0)

    def hold(
        self, values: FloatArray, jaw: FloatArray, weight: FloatArray, emphasis: float, bounds: tuple[float, float]
    ) -> tuple[FloatArray, FloatArray]:
        """Keys (T, K) and jaw (T, 3) with the lips shut by ``weight``; other frames as they are."""
        at = np.flatnonzero(weight > 1e-3)
        if not len(at):
            return values, jaw
        # the line's own gaps; a firm closure takes what is left of them and presses
        wanted = self.gaps[at] - emphasis * (np.maximum(self.gaps[at] - self.lips.shut, 0.0) + _PRESS_CM)
        share, held, turned = weight[at, None], values[at], jaw[at]
        for _ in range(_ROUNDS):
            excess = self._gaps(held, turned) - wanted
            held = np.clip(held - (share * excess) @ self.lips.directions, *bounds)
        left = middle_opening(self._gaps(held, turned), np.zeros(1)) - middle_opening(wanted, np.zeros(1))
        own = share * smoothstep((left - _LEFT_CM) / (_FAILED_CM - _LEFT_CM))[:, None]
        values, jaw = values.copy(), jaw.copy()
        values[at] = held + own * (self.values[at] - held)
        jaw[at] = turned + own * (self.jaw[at] - turned)
        return values, jaw

    def _gaps(self, values: FloatArray, jaw: FloatArray) -> FloatArray:
        return silhouette_gaps(_heights(self.crests, values, jaw))


def make_hold(lips: Lips, styled: RigMotion, plain: RigMotion | None) -> ClosureHold:
    """Measures both versions of a line once."""
    gaps = np.stack([lips.gaps(m.key_values, m.jaw) for m in (styled, plain or styled)])
    opening = np.stack([middle_opening(g, lips.shut) for g in gaps])
    firmer = (opening[1] < opening[0])[:, None] if plain is not None else np.zeros((len(styled), 1), bool)
    other = plain or styled
    values = np.where(firmer, other.key_values, styled.key_values)
    jaw = np.where(firmer, other.jaw, styled.jaw)
    shut = np.flatnonzero(opening.min(axis=0) < OPEN_CM)
    crests = _crests(lips.visible, values[shut], jaw[shut])
    return ClosureHold(lips, crests, opening, values, jaw, np.where(firmer, gaps[1], gaps[0]))


def _crests(lips: VisibleLips, values: FloatArray, jaw: FloatArray, most: int = 4) -> VisibleLips:
    """Of each lip in each column the points that lie nearest to the other lip, at rest and in these poses."""
    some = np.linspace(0, len(values) - 1, min(len(values), 40)).astype(int) if len(values) else np.zeros(0, int)
    poses = np.concatenate([np.zeros((1, values.shape[1])), values[some]])
    heights = _heights(lips, poses, np.concatenate([np.zeros((1, 3)), jaw[some]]))
    edge = np.stack([heights[:, 0], -heights[:, 1]], axis=1)
    # how far each point is behind the crest at best
    behind = (edge - edge.min(axis=-1, keepdims=True)).min(axis=0)
    chosen = np.argsort(behind, axis=-1, kind="stable")[..., : min(most, behind.shape[-1])]
    lip, column = np.arange(2)[:, None, None], np.arange(chosen.shape[1])[None, :, None]
    return VisibleLips(
        neutral=lips.neutral[lip, column, chosen],
        keys=lips.keys[:, lip, column, chosen],
        arm=lips.arm[lip, column, chosen],
        jaw_weights=lips.jaw_weights[lip, column, chosen],
        up=lips.up,
        towards=lips.towards,
    )


def _heights(lips: VisibleLips, values: FloatArray, jaw: FloatArray) -> FloatArray:
    """(T, 2, C, N) heights: see :class:`VisibleLips`; for few points it is one product."""
    turned_up = np.einsum("tij,i->tj", matrix_from_rotvec(jaw), lips.up) - lips.up
    shape = lips.neutral.shape[:-1]
    expression = (values @ lips.keys.reshape(len(lips.keys), -1)).reshape(-1, *lips.neutral.shape)
    lifted = np.einsum("tlcnk,tk->tlcn", lips.arm + expression, turned_up) * lips.jaw_weights
    heights: FloatArray = (lips.neutral @ lips.up).reshape(shape) + expression @ lips.up + lifted
    return heights


def _closedness(opening: FloatArray, emphasis: float) -> NDArray[np.float64]:
    reach = 1.0 + emphasis
    return smoothstep((reach * OPEN_CM - opening) / (reach * (OPEN_CM - SHUT_CM)))
