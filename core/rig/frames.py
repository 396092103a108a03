# SPDX-License-Identifier: GPL-3.0-or-later
"""Axes: from the face basis to a rig's mesh, from FLAME's axes to a bone's own, and into its rotation mode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import RigError
from ..face.landmarks import STABLE
from ..face.rotations import (
    FloatArray,
    continuous_quaternions,
    euler_from_matrix,
    matrix_from_rotvec,
    quaternion_from_matrix,
)
from .description import BoneDescription, RigDescription

# beyond this the head is really tilted in its rest pose, and not just a differently shaped face
_SNAP_RADIANS = np.radians(25.0)
_SAME_AXES = 1e-3
# misfit of the steady landmarks as a share of the face's spread: 0.05-0.12 on heads of five makers
_MOST_MISFIT = 0.3
_MIRROR_RATIO = 2.0
EULER_ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


@dataclass(frozen=True, slots=True, eq=False)
class Similarity:
    """target = scale * rotation @ source + offset."""

    scale: float
    rotation: FloatArray
    offset: FloatArray

    def apply(self, points: FloatArray) -> FloatArray:
        """Move (..., 3) points."""
        moved: FloatArray = self.scale * points @ self.rotation.T + self.offset
        return moved

    def undo_vectors(self, vectors: FloatArray) -> FloatArray:
        """Take (..., 3) displacements back to the source's axes and units."""
        back: FloatArray = vectors @ self.rotation / self.scale
        return back

    def undo(self, points: FloatArray) -> FloatArray:
        """Take (..., 3) points back."""
        return self.undo_vectors(points - self.offset)


@dataclass(frozen=True, slots=True, eq=False)
class BoneChannels:
    """Values to key on one pose bone: property name and (T, 3 or 4) channels."""

    property_name: str
    values: NDArray[np.float64]


def fit_similarity(source: FloatArray, target: FloatArray) -> Similarity:
    """Least-squares similarity between paired points (N, 3), after Umeyama."""
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    u, singular, vt = np.linalg.svd(b.T @ a)
    flip = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ np.diag(flip) @ vt
    scale = float((singular * flip).sum() / (a**2).sum())
    return Similarity(scale, rotation, target.mean(axis=0) - scale * source.mean(axis=0) @ rotation.T)


def align_rig(rig: RigDescription, neutral: FloatArray) -> Similarity:
    """How the basis' neutral face lies on the rig: by skin that speech hardly moves."""
    if rig.binding is None:
        raise RigError(
            f'The landmarks of "{rig.object_name}" have not been found yet.',
            "Click Find Face Landmarks, or use a mesh with FLAME's topology.",
        )
    stable = STABLE[rig.binding.valid[STABLE]]
    if len(stable) < 10:
        raise RigError(
            f'Only {len(stable)} steady landmarks are known on "{rig.object_name}".',
            "Click Find Face Landmarks again.",
        )
    there = rig.binding.points(rig.vertices)[stable]
    placed = fit_similarity(neutral[stable], there)
    _require_face(rig, placed, neutral[stable], there)
    return placed


def _require_face(rig: RigDescription, placed: Similarity, face: FloatArray, there: FloatArray) -> None:
    """Refuse landmarks that do not lie like a face's: turned by such a fit, nods would become tilts."""
    misfit = _misfit(placed, face, there)
    mirrored = face * np.array([-1.0, 1.0, 1.0])
    if misfit > _MIRROR_RATIO * _misfit(fit_similarity(mirrored, there), mirrored, there):
        raise RigError(
            f'The landmarks of "{rig.object_name}" are mirrored: its left side carries the right side\'s.',
            "The mesh was mirrored after its landmarks were bound; click Find Face Landmarks.",
        )
    if misfit > _MOST_MISFIT:
        raise RigError(
            f'The landmarks of "{rig.object_name}" do not lie like those of a face '
            f"({100 * misfit:.0f}% of the face's size off; up to {100 * _MOST_MISFIT:.0f}% is common).",
            "Click Find Face Landmarks on the mesh in its neutral pose.",
        )


def _misfit(placed: Similarity, face: FloatArray, there: FloatArray) -> float:
    """Root mean square distance after the fit, as a share of the face's own spread."""
    left = placed.undo(there) - face
    return float(np.sqrt((left**2).sum() / ((face - face.mean(axis=0)) ** 2).sum()))


def snapped_axes(rotation: FloatArray) -> FloatArray:
    """The axis-aligned rotation nearby, if there is one: a mesh is modelled along the axes, a face is not.

    The fitted rotation carries a few degrees of 'this face looks down more than that one'.
    """
    axes = np.zeros((3, 3))
    rest = np.abs(rotation).copy()
    for _ in range(3):
        row, column = np.unravel_index(rest.argmax(), rest.shape)
        axes[row, column] = np.sign(rotation[row, column])
        rest[row], rest[:, column] = -1, -1
    cosine = (np.trace(axes.T @ rotation) - 1) / 2
    proper = np.linalg.det(axes) > 0
    return axes if proper and cosine > np.cos(_SNAP_RADIANS) else rotation


def flame_to_armature(rig: RigDescription, flame_to_object: FloatArray) -> FloatArray:
    """(3, 3) rotation that takes FLAME's axes to the armature's."""
    u, _, vt = np.linalg.svd(rig.object_to_armature[:3, :3])
    rotation: FloatArray = u @ vt @ flame_to_object
    return rotation


def is_flame_frame(bone: BoneDescription, flame_axes: FloatArray) -> bool:
    """Whether the bone's own axes are FLAME's axes: then a FLAME rotation needs no change of basis."""
    return bool(np.abs(_rest_rotation(bone) - flame_axes).max() < _SAME_AXES)


def local_rotations(bone: BoneDescription, rotvec: FloatArray, flame_axes: FloatArray) -> FloatArray:
    """(T, 3) FLAME rotation vectors to (T, 3, 3) pose rotations in the bone's own rest axes.

    A pose bone turns after its rest matrix: pose = rest @ local, hence local = rest^-1 A R A^-1 rest.
    """
    rotation = matrix_from_rotvec(rotvec)
    if is_flame_frame(bone, flame_axes):
        return rotation
    change = _rest_rotation(bone).T @ flame_axes
    local: FloatArray = change @ rotation @ change.T
    return local


def rotation_field(mode: str) -> str:
    """The pose bone's property that a rotation mode uses."""
    if mode in EULER_ORDERS:
        return "rotation_euler"
    return "rotation_axis_angle" if mode == "AXIS_ANGLE" else "rotation_quaternion"


def bone_channels(bone: BoneDescription, local: FloatArray) -> BoneChannels:
    """Rotations (T, 3, 3) in the bone's own rotation mode, which stays as the artist set it."""
    if bone.rotation_mode in EULER_ORDERS:
        euler = euler_from_matrix(local, bone.rotation_mode)
        return BoneChannels("rotation_euler", np.unwrap(euler, axis=0))
    quaternions = continuous_quaternions(quaternion_from_matrix(local))
    if bone.rotation_mode == "AXIS_ANGLE":
        return BoneChannels("rotation_axis_angle", _axis_angle(quaternions))
    return BoneChannels("rotation_quaternion", quaternions)


def _axis_angle(quaternions: FloatArray) -> NDArray[np.float64]:
    """(T, 4) angle then unit axis. The axis keeps its side between frames, so interpolation does not flip."""
    sine = np.linalg.norm(quaternions[:, 1:], axis=1)
    angle = 2 * np.arctan2(sine, quaternions[:, 0])
    axis = quaternions[:, 1:] / np.maximum(sine, 1e-12)[:, None]
    # no rotation has no axis: borrow the last one that had
    known = np.maximum.accumulate(np.where(sine > 1e-9, np.arange(len(sine)), -1))
    axis = np.where(known[:, None] >= 0, axis[known], np.array([1.0, 0.0, 0.0]))
    sides = np.where((axis[1:] * axis[:-1]).sum(axis=1) < 0, -1.0, 1.0)
    side = np.cumprod(np.concatenate([[1.0], sides]))
    return np.concatenate([(angle * side)[:, None], axis * side[:, None]], axis=1)


def _rest_rotation(bone: BoneDescription) -> FloatArray:
    """The rest matrix without scale."""
    u, _, vt = np.linalg.svd(np.asarray(bone.rest_matrix, np.float64)[:3, :3])
    rotation: FloatArray = u @ vt
    return rotation
