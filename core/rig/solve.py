# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries motion from the face basis to a rig's own keys and bones, through landmark displacements.

Coefficients of two bases never meet: the basis says how the landmarks move, and a ridge regression finds the
rig's keys and jaw angle that move its landmarks alike. The meeting of the lips is an equation of its own:
half a millimetre that nobody sees on a cheek is the difference between an 'm' and an 'n'.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.basis import FaceBasis
from ..face.landmarks import CHIN_POINTS, FACE_OVAL, LANDMARK_COUNT, LIPS, SKIN_COUNT, UPPER_FACE
from ..face.motion import EXPRESSION_SIZE, Motion
from ..face.rotations import FloatArray, matrix_from_rotvec
from .description import RigDescription
from .face import RigFace, lip_gaps, rig_face
from .lids import RigLids, rig_lids

JAW_RANGE_RADIANS = (-0.05, 0.65)
# tracked lips that touch are about this far apart, in basis centimetres
SHUT_GAP_CM = 0.1
# FLAME's axes in Blender: (x, y, z) lies at (x, -z, y)
FLAME_IN_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])

_LIP_WEIGHT, _UPPER_FACE_WEIGHT, _CHIN_WEIGHT, _OUTLINE_WEIGHT = 3.0, 1.5, 2.0, 0.4
_DEPTH_WEIGHT = 0.5
_GAP_WEIGHT = 8.0
# ridges, relative to the mean energy of a key; a jaw swings open freely and hardly slides or twists
_KEY_RIDGE = 2e-2
_JAW_RIDGE = (1e-6, 5.0, 5.0)
# the jaw is read off the chin, as in the basis' own making: one movement keeps one description. The keys stand
# beside it, held back, to account for what is not a rotation
_KEY_RIDGE_BESIDE_JAW = 0.2
_JAW_STAGE_LIPS = 0.3
_GAP_PASSES = 4
_JAW_PASSES = 2
_CHUNK_FRAMES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class RigMotion:
    """T frames at ``fps`` for one rig. key_values: (T, K). jaw, head: (T, 3); eyes: (T, 2, 3), left then right.

    Rotations are rotation vectors in radians in FLAME's axes, whatever the rig's bones look like;
    flame_to_object: (3, 3) takes those axes to the mesh's.
    """

    fps: float
    key_values: NDArray[np.float32]
    jaw: NDArray[np.float32]
    head: NDArray[np.float32]
    eyes: NDArray[np.float32]
    flame_to_object: FloatArray

    def __len__(self) -> int:
        return len(self.key_values)


@dataclass(frozen=True, slots=True, eq=False)
class RigSolver:
    """A prepared rig: each frame then costs a matrix product. Made by :func:`prepare_solver`.

    face is None for a rig whose keys are the basis' own components: those are copied as they are.
    design: (R, K) what a unit of each key changes, weighted. gram: (K, K) with the ridge.
    jaw_rows: (3, 1434) linear jaw estimate from weighted landmarks, zeros where no jaw bone turns.
    shutting_radians: jaw angle that shuts the mouth of a rig whose neutral face has it open.
    lids: how its eyes are shut, None where the keys are left to follow the landmarks.
    """

    rig: RigDescription
    basis: FaceBasis
    face: RigFace | None
    design: FloatArray
    gram: FloatArray
    jaw_rows: FloatArray
    shutting_radians: float = 0.0
    lids: RigLids | None = None

    def solve(self, motion: Motion) -> RigMotion:
        """The rig's keys and bones for ``motion``. Raises :class:`ModelError` for a motion of another basis."""
        motion.require_basis(self.basis.hash)
        keys, jaw = motion.expression, motion.jaw
        if self.face is not None:
            open_eyed = motion if self.lids is None else self.lids.without_closing(motion)
            keys, jaw = self._solve_keys_and_jaw(self.face, open_eyed)
            keys = keys if self.lids is None else self.lids.close(keys, motion)
        gaze = motion.gaze
        if self.lids is not None and self.rig.gaze_keys:
            gaze = self.lids.gaze_beside_blinks(motion)
        eyes = np.concatenate([gaze, np.zeros((len(motion), 2, 1), np.float32)], axis=2)
        return RigMotion(
            fps=motion.fps,
            key_values=keys,
            jaw=jaw,
            head=motion.head,
            eyes=eyes,
            flame_to_object=FLAME_IN_BLENDER if self.face is None else self.face.flame_to_object,
        )

    def _solve_keys_and_jaw(self, face: RigFace, motion: Motion) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        keys = np.empty((len(motion), len(face.keys)), np.float32)
        jaw = np.empty((len(motion), 3), np.float32)
        # in pieces: the displacements of ten minutes would be 170 MB
        for start in range(0, len(motion), _CHUNK_FRAMES):
            part = slice(start, start + _CHUNK_FRAMES)
            displacement = self.basis.displacement(_part(motion, part)).astype(np.float64)
            gaps = _gap_targets(displacement, self.basis, face)
            jaw[part] = self._jaw(displacement, face)
            keys[part] = self._keys(displacement, gaps, jaw[part].astype(np.float64), face)
        return keys, jaw

    def _jaw(self, displacement: FloatArray, face: RigFace) -> FloatArray:
        """(T, 3) by two Gauss-Newton steps: a rotation is a straight motion only to first order."""
        weights, still = _jaw_weights(face), np.zeros((len(displacement), len(face.keys)))
        jaw = np.zeros((len(displacement), 3))
        for _ in range(_JAW_PASSES):
            jaw = jaw + _points(displacement - face.displacement(still, jaw), weights) @ self.jaw_rows.T
        jaw[:, 0] = np.clip(jaw[:, 0], *JAW_RANGE_RADIANS) + self.shutting_radians
        return jaw

    def _keys(self, displacement: FloatArray, gaps: FloatArray, jaw: FloatArray, face: RigFace) -> FloatArray:
        """(T, K) keys for what the exactly turned jaw leaves to do."""
        values = np.zeros((len(displacement), len(face.keys)))
        remaining = _unposed(displacement - face.displacement(values, jaw), jaw, face)
        wanted = gaps - face.lip_gaps(values, jaw)
        for _ in range(_GAP_PASSES):
            values = self._least_squares(_targets(remaining, wanted, face))
            # the jaw turns what the keys did, so lips are measured where they end up
            wanted = wanted + gaps - face.lip_gaps(values, jaw)
        return self._least_squares(_targets(remaining, wanted, face))

    def _least_squares(self, targets: FloatArray) -> FloatArray:
        correlations = targets @ self.design
        return self.rig.convention.solve(self.gram, correlations)


def is_native(rig: RigDescription, basis: FaceBasis) -> bool:
    """Whether the rig's keys are the components of this very basis."""
    return rig.basis_hash == basis.hash and len(rig.key_names) == EXPRESSION_SIZE


def prepare_solver(rig: RigDescription, basis: FaceBasis) -> RigSolver:
    """Check the rig against the basis and precompute. Raises :class:`RigError`."""
    if is_native(rig, basis):
        empty = np.zeros((0, 0))
        return RigSolver(rig, basis, None, empty, empty, empty)
    face = rig_face(rig, basis)
    design = _rows(face.keys, face)
    energy = float((design**2).sum(axis=0).mean())
    gram = design.T @ design + _KEY_RIDGE * energy * np.eye(design.shape[1])
    lids = rig_lids(rig, face, basis)
    if not rig.turns_jaw():
        return RigSolver(rig, basis, face, design, gram, np.zeros((3, 3 * LANDMARK_COUNT)), lids=lids)
    return RigSolver(rig, basis, face, design, gram, _jaw_rows(face, energy), _shutting_radians(face), lids)


def _shutting_radians(face: RigFace) -> float:
    open_by = float(np.maximum(lip_gaps(face.neutral) - SHUT_GAP_CM, 0).mean())
    per_radian = float(lip_gaps(_swing(face)[0]).mean())
    return -open_by / per_radian if per_radian > 1.0 else 0.0


def _swing(face: RigFace) -> FloatArray:
    """(3, 478, 3) landmark motion per radian of jaw rotation about x, y and z."""
    turned: FloatArray = np.cross(np.eye(3)[:, None], face.arm[None]) * face.jaw_weights[:, None]
    return turned


def _jaw_rows(face: RigFace, energy: float) -> FloatArray:
    """(3, 1434) the jaw's part of the joint linear solution for keys and a small jaw rotation."""
    both = _points(np.concatenate([face.keys, _swing(face)]), _jaw_weights(face)).T
    keys = len(face.keys)
    ridge = energy * np.concatenate([np.full(keys, _KEY_RIDGE_BESIDE_JAW), _JAW_RIDGE])
    inverse: FloatArray = np.linalg.solve(both.T @ both + np.diag(ridge), both.T)
    return inverse[keys:]


def _weights(face: RigFace) -> FloatArray:
    """(478, 3) importance of each landmark coordinate: lips first; the outline and depth are soft knowledge."""
    weights = np.ones((LANDMARK_COUNT, 3))
    weights[FACE_OVAL] = _OUTLINE_WEIGHT
    weights[UPPER_FACE] = _UPPER_FACE_WEIGHT
    weights[CHIN_POINTS] = _CHIN_WEIGHT
    weights[LIPS] = _LIP_WEIGHT
    weights[:, 2] *= _DEPTH_WEIGHT
    weights[SKIN_COUNT:] = 0.0
    return weights * face.valid[:, None]


def _jaw_weights(face: RigFace) -> FloatArray:
    """(478, 3) importance while the jaw is being found: the chin, and the lips only a little."""
    weights = _weights(face)
    weights[LIPS] *= _JAW_STAGE_LIPS / _LIP_WEIGHT
    weights[CHIN_POINTS] *= _LIP_WEIGHT / _CHIN_WEIGHT
    return weights


def _rows(directions: FloatArray, face: RigFace) -> FloatArray:
    """(C, 478, 3) directions to (R, C): weighted landmark coordinates, then lip gaps."""
    return _targets(directions, lip_gaps(directions), face).T


def _targets(displacement: FloatArray, gaps: FloatArray, face: RigFace) -> FloatArray:
    """(T, R) in the layout of :func:`_rows`."""
    return np.concatenate([_points(displacement, _weights(face)), _GAP_WEIGHT * gaps], axis=1)


def _points(displacement: FloatArray, weights: FloatArray) -> FloatArray:
    """(T, 478, 3) to (T, 1434), weighted."""
    flat: FloatArray = (displacement * weights).reshape(len(displacement), -1)
    return flat


def _gap_targets(displacement: FloatArray, basis: FaceBasis, face: RigFace) -> FloatArray:
    """(T, 9) lip gaps that the rig should have: shut where the basis is, however the two neutral mouths differ."""
    basis_gap = lip_gaps(basis.neutral)
    moved = basis_gap + lip_gaps(displacement)
    opened = np.maximum(moved - np.minimum(basis_gap, SHUT_GAP_CM), 0)
    targets: FloatArray = opened + np.minimum(lip_gaps(face.neutral), SHUT_GAP_CM)
    return targets


def _unposed(remaining: FloatArray, jaw: FloatArray, face: RigFace) -> FloatArray:
    """What the keys must do before the jaw turns it into ``remaining``: (I + w (R - I))^-1, a short series."""
    rotation = matrix_from_rotvec(jaw) - np.eye(3)
    expression = remaining
    for _ in range(3):
        turned = np.einsum("tij,tnj->tni", rotation, expression) * face.jaw_weights[:, None]
        expression = remaining - turned
    return expression


def _part(motion: Motion, part: slice) -> Motion:
    return motion.replace(
        expression=motion.expression[part], jaw=motion.jaw[part], head=motion.head[part], gaze=motion.gaze[part]
    )
