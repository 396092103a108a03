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
from .description import RigDescription
from .frames import Similarity, align_rig, snapped_axes

# a whole series of keys that moves the lips less than this (basis cm, all keys at one) cannot speak
_LEAST_LIP_MOTION_CM = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class RigFace:
    """neutral: (478, 3). keys: (K, 478, 3) per unit value. arm: (478, 3) from the jaw's joint.

    jaw_weights: (478,). valid: (478,). flame_to_object: (3, 3) axes of the mesh.
    """

    neutral: FloatArray
    keys: FloatArray
    arm: FloatArray
    jaw_weights: FloatArray
    valid: FloatArray
    flame_to_object: FloatArray

    def displacement(self, key_values: FloatArray, jaw: FloatArray) -> FloatArray:
        """(T, 478, 3) from neutral as Blender deforms it: keys first, then the jaw by linear blend skinning."""
        expression = np.tensordot(key_values, self.keys, axes=1)
        rotation = matrix_from_rotvec(jaw) - np.eye(3)
        turned = np.einsum("tij,tnj->tni", rotation, self.arm + expression) * self.jaw_weights[:, None]
        moved: FloatArray = expression + turned
        return moved

    def lip_gaps(self, key_values: FloatArray, jaw: FloatArray) -> FloatArray:
        """(T, 9) upright distance of the inner lips, pair by pair; negative where they overlap."""
        pairs = LIP_PAIRS.ravel()
        lips = RigFace(
            self.neutral[pairs],
            self.keys[:, pairs],
            self.arm[pairs],
            self.jaw_weights[pairs],
            self.valid[pairs],
            self.flame_to_object,
        )
        height = (lips.neutral + lips.displacement(key_values, jaw))[..., 1]
        gaps: FloatArray = height[..., 0::2] - height[..., 1::2]
        return gaps


def lip_gaps(landmarks: FloatArray) -> FloatArray:
    """(..., 478, 3) points or displacements to (..., 9) upright inner-lip distances or their changes."""
    heights = landmarks[..., LIP_PAIRS, 1]
    gaps: FloatArray = heights[..., 0] - heights[..., 1]
    return gaps


def rig_face(rig: RigDescription, basis: FaceBasis) -> RigFace:
    """Bring the rig's landmarks into the basis' axes and size. Raises :class:`RigError`."""
    placed = align_rig(rig, basis.neutral)
    binding = rig.binding
    if binding is None:  # align_rig has refused already; this tells the type checker
        raise RigError(f'The landmarks of "{rig.object_name}" have not been found yet.')
    keys = placed.undo_vectors(binding.points(rig.key_deltas))
    face = RigFace(
        neutral=placed.undo(binding.points(rig.vertices)),
        keys=keys,
        arm=placed.undo(binding.points(rig.vertices)) - _jaw_joint(rig, placed),
        jaw_weights=binding.weights(rig.jaw_weights),
        valid=binding.valid.astype(np.float64),
        flame_to_object=snapped_axes(placed.rotation),
    )
    _require_lip_motion(rig, face)
    return face


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
