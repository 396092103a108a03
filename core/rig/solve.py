# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries motion from the face basis to a rig's own keys and bones, through landmark displacements.

Coefficients of two bases never meet: the basis says how the landmarks move, and a ridge regression finds the
rig's keys and jaw angle that move its landmarks alike. The meeting of the lips is an equation of its own:
half a millimetre that nobody sees on a cheek is the difference between an 'm' and an 'n'.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.basis import FaceBasis
from ..face.jaw import RIG_JAW_RANGE_RADIANS, undo_jaw
from ..face.motion import EXPRESSION_SIZE, Motion
from ..face.rotations import FloatArray
from .description import RigDescription
from .face import RigFace, lip_gaps, lip_shifts, rig_face
from .lids import RigLids, rig_lids
from .native_lips import NativeLips, native_lips
from .opening import LipTargets, shift_targets, shut_gaps, uncovered, visible_gap_targets
from .rows import jaw_rows, key_rows, shift_rows

# FLAME's axes in Blender: (x, y, z) lies at (x, -z, y)
FLAME_IN_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])

# ridges, relative to the mean energy of a key; a jaw opens freely and hardly slides or twists
_KEY_RIDGE = 2e-2
_JAW_RIDGE = (1e-6, 5.0, 5.0)
# of the series that undoes the jaw's skinning
_UNDO_TERMS = 3
# the jaw is read off the chin, as in the basis' own making: one movement keeps one description. The keys stand
# beside it, held back, to account for what is not a rotation
_KEY_RIDGE_BESIDE_JAW = 0.2
_GAP_PASSES = 8
_APART_PASSES = 2
_MOST_MORE_CM = 0.6
# lips that lie deeper in each other than they should be shut are asked apart by more than they miss: keys between 0
# and 1 that shut the middle press the corners. Of 1, 1.5, 2 and 3, on clips of which nothing is reported
_SUNK_GAIN, _SHUT_WITHIN_CM = 2.0, 0.01
_JAW_PASSES = 3
_JAW_STEP = 0.05
_CHUNK_FRAMES = 400


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

    @classmethod
    def joined(cls, pieces: Sequence[RigMotion]) -> RigMotion:
        """One rig's motions, one after another; there is at least one."""
        names = ("key_values", "jaw", "head", "eyes")
        return dataclasses.replace(
            pieces[0], **{name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in names}
        )


@dataclass(frozen=True, slots=True, eq=False)
class RigSolver:
    """A prepared rig: each frame then costs a matrix product. Made by :func:`prepare_solver`.

    face is None for a rig whose keys are the basis' own components: those are copied, see ``native``.
    design: (R, K) what a unit of each key changes, weighted. gram: (K, K) with the ridge.
    jaw_map: (3, R) linear jaw estimate from :func:`jaw_rows`, zeros where no jaw bone turns.
    lids: how its eyes are shut, None where the keys are left to follow the landmarks. native: keeps the lips of a rig
    of the basis' own components from sinking into each other.
    """

    rig: RigDescription
    basis: FaceBasis
    face: RigFace | None
    design: FloatArray
    gram: FloatArray
    jaw_map: FloatArray
    lids: RigLids | None = None
    native: NativeLips | None = None

    def solve(self, motion: Motion) -> RigMotion:
        """The rig's keys and bones for ``motion``. Raises :class:`ModelError` for a motion of another basis."""
        motion.require_basis(self.basis.hash)
        keys, jaw = motion.expression, motion.jaw
        if self.face is not None:
            open_eyed = motion if self.lids is None else self.lids.without_closing(motion)
            keys, jaw = self._solve_keys_and_jaw(self.face, open_eyed)
            keys = keys if self.lids is None else self.lids.close(keys, motion)
        elif self.native is not None:
            keys = self.native.kept_apart(keys, jaw)
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
            displacement = self.basis.displacement(motion.part(start, start + _CHUNK_FRAMES)).astype(np.float64)
            grown = lip_gaps(displacement)
            moved, rest = lip_gaps(self.basis.neutral) + grown, face.lips.rest
            # the jaw does what the motion's does, and uncovers; what remains of the gap is the lips' own
            apart = shut_gaps(rest) + uncovered(moved, rest) + grown
            jaw[part] = self._jaw(displacement, apart, face)
            lips = LipTargets(visible_gap_targets(moved, rest), shift_targets(lip_shifts(displacement), moved))
            keys[part] = self._keys(displacement, lips, jaw[part].astype(np.float64), face)
        return keys, jaw

    def _jaw(self, displacement: FloatArray, gaps: FloatArray, face: RigFace) -> FloatArray:
        """(T, 3) by Gauss-Newton steps: a rotation is a straight motion only to first order."""
        still = np.zeros((len(displacement), len(face.keys)))
        jaw = np.zeros((len(displacement), 3))
        if not self.rig.turns_jaw():
            return jaw
        for _ in range(_JAW_PASSES):
            left = displacement - face.displacement(still, jaw)
            jaw = jaw + jaw_rows(left, gaps - face.lips.gaps(still, jaw), face) @ self.jaw_map.T
        jaw[:, 0] = np.clip(jaw[:, 0], *RIG_JAW_RANGE_RADIANS)
        return jaw

    def _keys(self, displacement: FloatArray, lips: LipTargets, jaw: FloatArray, face: RigFace) -> FloatArray:
        """(T, K) keys for what the exactly turned jaw leaves to do."""
        values = np.zeros((len(displacement), len(face.keys)))
        remaining = undo_jaw(displacement - face.displacement(values, jaw), jaw, face.jaw_weights, _UNDO_TERMS)
        aside = shift_rows(lips.shifts - face.lips.shifts(jaw), face)
        asked: FloatArray = lips.gaps - face.lips.gaps(values, jaw)
        more: FloatArray = np.zeros_like(asked)
        near: FloatArray | None = None
        for each in range(_GAP_PASSES + _APART_PASSES):
            values = self._least_squares(
                np.concatenate([key_rows(remaining, asked + more, face), aside], axis=1), near
            )
            near = values if each == _GAP_PASSES - 1 else near
            # another point of a lip may show now, and the jaw turns what the keys did; but a gap that the keys cannot
            # make would in the end be asked for at the cost of all others
            missed = lips.gaps - face.lips.gaps(values, jaw)
            sunk = (missed > 0.0) & (lips.gaps <= shut_gaps(face.lips.rest) + _SHUT_WITHIN_CM)
            more = np.clip(more + np.where(sunk, _SUNK_GAIN, 1.0) * missed, -_MOST_MORE_CM, _MOST_MORE_CM)
        return self._least_squares(np.concatenate([key_rows(remaining, asked + more, face), aside], axis=1), near)

    def _least_squares(self, targets: FloatArray, near: FloatArray | None = None) -> FloatArray:
        """(T, K); ``near`` the solution keys that oppose each other are kept apart."""
        correlations, convention = targets @ self.design, self.rig.convention
        if near is None:
            return convention.solve(self.gram, correlations)
        return convention.solve_apart(self.gram, correlations, near, self.rig.key_meanings)


def is_native(rig: RigDescription, basis: FaceBasis) -> bool:
    """Whether the rig's keys are the components of this very basis."""
    return rig.basis_hash == basis.hash and len(rig.key_names) == EXPRESSION_SIZE


def prepare_solver(rig: RigDescription, basis: FaceBasis) -> RigSolver:
    """Check the rig against the basis and precompute. Raises :class:`RigError`."""
    if is_native(rig, basis):
        empty = np.zeros((0, 0))
        native = None if rig.binding is None else native_lips(rig_face(rig, basis))
        return RigSolver(rig, basis, None, empty, empty, empty, native=native)
    face = rig_face(rig, basis)
    growth = face.lips.gaps_per_key()
    aside = shift_rows(face.lips.shifts_per_key(), face)
    design = np.concatenate([key_rows(face.keys, growth, face), aside], axis=1).T
    energy = float((design**2).sum(axis=0).mean())
    gram = design.T @ design + _KEY_RIDGE * energy * np.eye(design.shape[1])
    lids = rig_lids(rig, face, basis)
    return RigSolver(rig, basis, face, design, gram, _jaw_map(face, growth, energy), lids=lids)


def _jaw_rotation_rows(face: RigFace) -> FloatArray:
    """(3, 478, 3) landmark motion per radian of jaw rotation about x, y and z."""
    turned: FloatArray = np.cross(np.eye(3)[:, None], face.arm[None]) * face.jaw_weights[:, None]
    return turned


def _jaw_map(face: RigFace, growth: FloatArray, energy: float) -> FloatArray:
    """(3, R) the jaw's part of the joint linear solution for keys and a small jaw rotation."""
    still = np.zeros((3, len(face.keys)))
    opened = (face.lips.gaps(still, _JAW_STEP * np.eye(3)) - face.lips.rest) / _JAW_STEP
    both = jaw_rows(np.concatenate([face.keys, _jaw_rotation_rows(face)]), np.concatenate([growth, opened]), face).T
    keys = len(face.keys)
    ridge = energy * np.concatenate([np.full(keys, _KEY_RIDGE_BESIDE_JAW), _JAW_RIDGE])
    inverse: FloatArray = np.linalg.solve(both.T @ both + np.diag(ridge), both.T)
    return inverse[keys:]
