# SPDX-License-Identifier: GPL-3.0-or-later
"""``FaceBasis``: a neutral face, expression directions and a jaw hinge, on the 478 landmarks.

Units are centimetres; x right in the picture, y up, z towards the viewer (FLAME's axes).
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..weights import bundled, read_tensors, write_tensors
from .landmarks import IRIS_LEFT, IRIS_RIGHT
from .motion import Motion
from .rotations import FloatArray, matrix_from_rotvec

OPEN_BASIS_FILE = "open_face_basis.safetensors"
_ARRAYS = ("neutral", "directions", "hinge_point", "hinge_axis", "jaw_weights", "triangles", "eye_centres")


@dataclass(frozen=True, slots=True, eq=False)
class FaceBasis:
    """What coefficients mean.

    neutral: (478, 3) cm. directions: (50, 478, 3) cm per unit coefficient (two training deviations).
    hinge_point: (3,) cm; hinge_axis: (3,) unit vector, positive angle opens the mouth.
    jaw_weights: (478,) in 0..1, the share of the jaw's rotation that each landmark follows.
    triangles: (F, 3) of the 468 skin points. eye_centres: (2, 3) cm, left then right eyeball.
    """

    name: str
    neutral: NDArray[np.float32]
    directions: NDArray[np.float32]
    hinge_point: NDArray[np.float32]
    hinge_axis: NDArray[np.float32]
    jaw_weights: NDArray[np.float32]
    triangles: NDArray[np.int32]
    eye_centres: NDArray[np.float32]

    @property
    def hash(self) -> str:
        """Fingerprint of everything a coefficient's meaning depends on."""
        return _fingerprint(self)

    def jaw_displacement(self, jaw: FloatArray) -> NDArray[np.float64]:
        """(T, 3) jaw rotation vectors to (T, 478, 3) cm of the neutral face: rotation about the hinge, by weight.

        Linear blend skinning, as in FLAME: x' = x + w (R - I)(x - hinge).
        """
        rotation = matrix_from_rotvec(jaw) - np.eye(3)
        arm = self.neutral.astype(np.float64) - self.hinge_point
        moved: NDArray[np.float64] = np.einsum("tij,nj->tni", rotation, arm) * self.jaw_weights[:, None]
        return moved

    def displacement(self, motion: Motion) -> NDArray[np.float32]:
        """(T, 478, 3) cm from neutral: expression + jaw + gaze, without head motion.

        As in FLAME, the expression is added to the rest shape and the jaw then turns the sum.
        """
        motion.require_basis(self.hash)
        expression = np.tensordot(motion.expression, self.directions, axes=1)
        rotation = matrix_from_rotvec(motion.jaw) - np.eye(3)
        posed = self.neutral + expression - self.hinge_point
        turned = np.einsum("tij,tnj->tni", rotation, posed) * self.jaw_weights[:, None]
        total = expression + turned
        total += self._gaze_displacement(motion.gaze)
        return total.astype(np.float32)

    def landmarks(self, motion: Motion) -> NDArray[np.float32]:
        """(T, 478, 3) pose-free landmarks in cm."""
        return self.neutral + self.displacement(motion)

    def _gaze_displacement(self, gaze: FloatArray) -> FloatArray:
        """Iris points turn about their eyeball's centre; gaze is (T, 2, 2) radians (eye, pitch/yaw)."""
        result = np.zeros((len(gaze), *self.neutral.shape))
        for eye, indices in enumerate((IRIS_LEFT, IRIS_RIGHT)):
            rotvec = np.concatenate([gaze[:, eye], np.zeros((len(gaze), 1))], axis=1)
            rotation = matrix_from_rotvec(rotvec) - np.eye(3)
            arm = self.neutral[indices] - self.eye_centres[eye]
            result[:, indices] = np.einsum("tij,nj->tni", rotation, arm)
        return result

    def save(self, path: Path, metadata: dict[str, str]) -> None:
        """Write as safetensors; ``metadata`` says how it was made."""
        tensors = {name: getattr(self, name) for name in _ARRAYS}
        write_tensors(path, tensors, {**metadata, "name": self.name})

    @classmethod
    def load(cls, path: Path) -> FaceBasis:
        """Read what :meth:`save` wrote."""
        file = read_tensors(path)
        return cls(name=file.metadata["name"], **{name: file.tensors[name] for name in _ARRAYS})  # type: ignore[arg-type]


@functools.lru_cache(maxsize=2)
def _fingerprint(basis: FaceBasis) -> str:
    """Kept, since every motion is asked which basis it is written in."""
    digest = hashlib.sha256()
    for name in _ARRAYS:
        digest.update(np.ascontiguousarray(getattr(basis, name)).tobytes())
    return digest.hexdigest()


@functools.lru_cache(maxsize=1)
def open_basis() -> FaceBasis:
    """The bundled basis that all shipped models speak."""
    return FaceBasis.load(bundled(OPEN_BASIS_FILE))
