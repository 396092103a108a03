# SPDX-License-Identifier: GPL-3.0-or-later
"""``RigFace``: a rig's landmarks, key by key, in the axes and centimetres of the face basis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import RigError
from ..face.basis import FaceBasis
from ..face.landmarks import LIPS
from ..face.rotations import FloatArray, matrix_from_rotvec
from .correspond import LIP_PAIRS
from .description import LandmarkBinding, RigDescription
from .frames import Similarity, align_rig, snapped_axes
from .lips import VisibleLips, find_lip_columns

# where the inner-lip pairs of an average face lie on the way from its right to its left mouth corner
PAIRS_ACROSS = np.array([0.12, 0.18, 0.27, 0.38, 0.5, 0.62, 0.73, 0.82, 0.88])
# a whole series of keys that moves the lips less than this (basis cm, all keys at one) cannot speak
_LEAST_LIP_MOTION_CM = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class RigFace:
    """neutral: (478, 3). keys: (K, 478, 3) per unit value. arm: (478, 3) from the jaw's joint.

    jaw_weights: (478,). valid: (478,). flame_to_object: (3, 3) axes of the mesh. lips: as a viewer sees them.
    """

    neutral: FloatArray
    keys: FloatArray
    arm: FloatArray
    jaw_weights: FloatArray
    valid: FloatArray
    flame_to_object: FloatArray
    lips: VisibleLips

    def displacement(self, key_values: FloatArray, jaw: FloatArray) -> FloatArray:
        """(T, 478, 3) from neutral as Blender deforms it: keys first, then the jaw by linear blend skinning."""
        expression = np.tensordot(key_values, self.keys, axes=1)
        rotation = matrix_from_rotvec(jaw) - np.eye(3)
        turned = np.einsum("tij,tnj->tni", rotation, self.arm + expression) * self.jaw_weights[:, None]
        moved: FloatArray = expression + turned
        return moved


def lip_gaps(landmarks: FloatArray) -> FloatArray:
    """(..., 478, 3) points or displacements to (..., 9) upright inner-lip distances or their changes."""
    heights = landmarks[..., LIP_PAIRS, 1]
    gaps: FloatArray = heights[..., 0] - heights[..., 1]
    return gaps


def lip_shifts(displacement: FloatArray) -> FloatArray:
    """(..., 478, 3) to (..., 9): how much nearer to the viewer the upper inner lip has come than the lower one."""
    depths = displacement[..., LIP_PAIRS, 2]
    shifts: FloatArray = depths[..., 0] - depths[..., 1]
    return shifts


def rig_face(rig: RigDescription, basis: FaceBasis) -> RigFace:
    """Bring the rig's landmarks into the basis' axes and size. Raises :class:`RigError`."""
    placed = align_rig(rig, basis.neutral)
    binding = rig.binding
    if binding is None:  # align_rig has refused already; this tells the type checker
        raise RigError(f'The landmarks of "{rig.object_name}" have not been found yet.')
    neutral, joint = placed.undo(binding.points(rig.vertices)), _jaw_joint(rig, placed)
    axes = snapped_axes(placed.rotation)
    face = RigFace(
        neutral=neutral,
        keys=placed.undo_vectors(binding.points(rig.key_deltas)),
        arm=neutral - joint,
        jaw_weights=binding.weights(rig.jaw_weights),
        valid=binding.valid.astype(np.float64),
        flame_to_object=axes,
        lips=_visible_lips(rig, binding, placed, joint, placed.rotation.T @ axes),
    )
    _require_lip_motion(rig, face)
    return face


def _visible_lips(
    rig: RigDescription, binding: LandmarkBinding, placed: Similarity, joint: FloatArray, upright: FloatArray
) -> VisibleLips:
    """The lips' silhouettes for a viewer before the mesh; the bound inner lips where the mesh shows none.

    upright: (3, 3) the viewer's axes in the basis' own, which a face that looks down a little is tilted against.
    """
    vertices = placed.undo(rig.vertices.astype(np.float64))
    columns = find_lip_columns(vertices @ upright, rig.triangles, binding.points(vertices) @ upright, PAIRS_ACROSS)

    def points(values: FloatArray) -> FloatArray:
        if columns is not None:
            return columns.points(values)
        return np.moveaxis(binding.points(values)[..., LIP_PAIRS, :], -2, -3)[..., None, :]

    neutral = points(vertices)
    return VisibleLips(
        neutral=neutral,
        keys=placed.undo_vectors(points(rig.key_deltas)),
        arm=neutral - joint,
        jaw_weights=points(rig.jaw_weights[:, None].astype(np.float64))[..., 0],
        up=upright[:, 1],
        towards=upright[:, 2],
    )


def _jaw_joint(rig: RigDescription, placed: Similarity) -> FloatArray:
    """(3,) the jaw bone's head in basis coordinates."""
    if rig.jaw_bone is None:
        return np.zeros(3)
    head = rig.bone(rig.jaw_bone).rest_matrix[:, 3]
    return placed.undo((np.linalg.inv(rig.object_to_armature) @ head)[:3])


def _require_lip_motion(rig: RigDescription, face: RigFace) -> None:
    moved = float(np.abs(face.keys[:, LIPS]).sum(axis=0).max())
    if moved < _LEAST_LIP_MOTION_CM:
        raise RigError(
            f'The {len(rig.key_names)} expression keys of "{rig.object_name}" do not move the lips.',
            "Check that this is the head and that its keys still hold their shapes.",
        )
