# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a rig's keys and bones move its face, in millimetres of a face of average size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import RigError
from ..face.basis import FaceBasis
from ..face.landmarks import LIPS
from ..face.rotations import FloatArray, matrix_from_rotvec, rotvec_from_matrix, rotvec_from_quaternion
from ..rig.curves import BONE_PATH, bone_path, unquoted
from ..rig.description import RigDescription
from ..rig.face import RigFace, rig_face
from ..rig.frames import flame_to_armature
from ..rig.opening import shut_gaps
from .closure_hold import MIDDLE, SHUT_CM, Lips

_MM = 10.0
# of the lips to the joint that the head turns about, of the pupil to the eye's centre
_HEAD_MM, _EYE_MM = 120.0, 12.0
# an eyeLook key at one turns the eye by about 30 degrees
_GAZE_KEY_MM = 6.0
# shut lips may part by so much more
_PART_CM = 0.01
# a closure is shut wherever it presses
_PRESSED_CM = 0.0
_POINTS_PER_COLUMN = 12


@dataclass(frozen=True, slots=True, eq=False)
class ShutFrames:
    """Frames on which the lips meet. opening: centimetres there."""

    lips: Lips
    at: NDArray[np.int64]
    opening: NDArray[np.float64]

    def openings(self, values: FloatArray, jaw: FloatArray) -> NDArray[np.float64]:
        """(n,) centimetres that the lips are open in another version, for keys and jaw of some of these frames."""
        return self.lips.openings(values, jaw)

    def opened(self, now: FloatArray) -> NDArray[np.int64]:
        """Frames that are open with the openings ``now`` of ``at``; a tenth of a millimetre more does not count."""
        parted = (now > SHUT_CM) | (now > np.maximum(self.opening, _PRESSED_CM) + _PART_CM)
        return self.at[parted]


@dataclass(frozen=True, slots=True, eq=False)
class FaceReach:
    """key_reach: (K,) the most that a unit of each key moves any landmark, in millimetres. key_moves: (K, P, 3) how it
    moves the points on the lips. opening_per_key: (K,) growth of the gap between them."""

    rig: RigDescription
    face: RigFace
    key_reach: FloatArray
    key_moves: FloatArray
    opening_per_key: FloatArray
    jaw_mm: float
    gaze_reach: float = _GAZE_KEY_MM

    def lips(self, values: FloatArray, jaw: FloatArray) -> FloatArray:
        """(T, P, 3) millimetres that points on the lips have moved, as Blender deforms them."""
        arm, weights = _lip_points(self.face, "arm"), _lip_points(self.face, "jaw_weights")[:, 0]
        expression = np.tensordot(values.astype(np.float32), self.key_moves, axes=1)
        rotation = (matrix_from_rotvec(jaw) - np.eye(3)).astype(np.float32)
        turned = np.matmul(_MM * arm + expression, np.swapaxes(rotation, 1, 2)) * weights[:, None]
        moved: FloatArray = expression + turned
        return moved

    def turn_reach(self, path: str) -> float:
        """Millimetres for a radian of a bone's rotation."""
        found = BONE_PATH.match(path)
        bone = unquoted(found[1]) if found else ""
        if bone == self.rig.jaw_bone:
            return self.jaw_mm
        return _EYE_MM if bone in (self.rig.left_eye_bone, self.rig.right_eye_bone) else _HEAD_MM

    def shut_frames(self, values: FloatArray, jaw: FloatArray) -> ShutFrames:
        """Where the lips meet."""
        visible = self.face.lips
        lips = Lips(visible, shut_gaps(visible.rest), np.zeros((0, 0)))
        opening = lips.openings(values, jaw)
        at = np.flatnonzero(opening < SHUT_CM)
        return ShutFrames(lips, at, opening[at])


def face_reach(rig: RigDescription, basis: FaceBasis) -> FaceReach:
    """Measure a rig. Raises :class:`RigError` where its landmarks are not known."""
    if rig.binding is None:
        raise RigError(
            f'The landmarks of "{rig.object_name}" have not been found, so no millimetres at its lips are known.',
            "Click Find Face Landmarks.",
        )
    face = rig_face(rig, basis)
    moved = _MM * np.linalg.norm(face.keys, axis=-1) * face.valid
    arms = np.linalg.norm(face.arm, axis=-1) * face.jaw_weights * face.valid
    keys = np.stack([_lip_points_of(face.keys[k], face.lips.keys[k]) for k in range(len(face.keys))])
    return FaceReach(
        rig=rig,
        face=face,
        key_reach=moved.max(axis=1),
        key_moves=_MM * keys,
        opening_per_key=face.lips.gaps_per_key()[:, MIDDLE].mean(axis=1),
        jaw_mm=_MM * float(arms[LIPS].max()),
    )


def jaw_rotvec(rig: RigDescription, face: RigFace, path: str, channels: FloatArray) -> FloatArray:
    """(T, 3) rotation vectors in FLAME's axes from the jaw bone's channels: inverse of ``bone_channels``."""
    assert rig.jaw_bone is not None
    bone = rig.bone(rig.jaw_bone)
    if path == bone_path(rig.jaw_bone, "rotation_quaternion"):
        local = rotvec_from_quaternion(channels / np.linalg.norm(channels, axis=1, keepdims=True))
    elif path == bone_path(rig.jaw_bone, "rotation_axis_angle"):
        length = np.maximum(np.linalg.norm(channels[:, 1:], axis=1, keepdims=True), 1e-9)
        local = channels[:, :1] * channels[:, 1:] / length
    else:
        local = _euler_rotvec(channels, bone.rotation_mode)
    u, _, vt = np.linalg.svd(np.asarray(bone.rest_matrix, np.float64)[:3, :3])
    found: FloatArray = local @ (u @ vt).T @ flame_to_armature(rig, face.flame_to_object)
    return found


def _euler_rotvec(angles: FloatArray, order: str) -> FloatArray:
    """Blender applies the first axis of ``order`` first."""
    whole = np.broadcast_to(np.eye(3), (len(angles), 3, 3))
    for axis in ("XYZ".index(letter) for letter in order):
        vector = np.zeros((len(angles), 3))
        vector[:, axis] = angles[:, axis]
        whole = matrix_from_rotvec(vector) @ whole
    return rotvec_from_matrix(whole)


def _lip_points(face: RigFace, name: str) -> NDArray[np.float32]:
    landmarks, lips = getattr(face, name), getattr(face.lips, name)
    if landmarks.ndim == 1:
        landmarks, lips = landmarks[:, None], lips[..., None]
    return _lip_points_of(landmarks, lips)


def _lip_points_of(landmarks: FloatArray, lips: FloatArray) -> NDArray[np.float32]:
    """(P, k) the lips' landmarks and some points of their silhouettes; neighbours on a fine mesh move alike."""
    some = lips[..., :: max(1, lips.shape[-2] // _POINTS_PER_COLUMN), :]
    found: NDArray[np.float32] = np.concatenate([landmarks[LIPS], some.reshape(-1, some.shape[-1])], dtype=np.float32)
    return found
