# SPDX-License-Identifier: GPL-3.0-or-later
"""``Motion``: what a face does over time, in the coefficients of one named face basis."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..weights import require_sane
from .rotations import FloatArray

INTERNAL_FPS = 25.0
EXPRESSION_SIZE = 50
MOTION_SIZE = EXPRESSION_SIZE + 3
# far beyond any face: coefficients of a basis, and angles, in a file that is read
LARGEST_COEFFICIENT = 1e4
LARGEST_RADIANS = 100.0
_OVER_TIME = ("expression", "jaw", "head", "gaze")


@dataclass(frozen=True, slots=True)
class Motion:
    """Face and head motion, T frames at ``fps``; frame t shows the face at t / fps seconds.

    expression: (T, 50) coefficients of ``basis_name``, within about one unit in calm speech.
    jaw: (T, 3) rotation vectors in radians, positive x opens (FLAME's convention).
    head: (T, 3) rotation vectors in radians relative to the speaker's rest pose.
    gaze: (T, 2, 2) radians, (left eye, right eye) x (pitch, yaw), zero looks straight ahead.
    """

    fps: float
    expression: NDArray[np.float32]
    jaw: NDArray[np.float32]
    head: NDArray[np.float32]
    gaze: NDArray[np.float32]
    basis_name: str
    basis_hash: str

    def __post_init__(self) -> None:
        frames = len(self.expression)
        expected = {
            "expression": (frames, EXPRESSION_SIZE),
            "jaw": (frames, 3),
            "head": (frames, 3),
            "gaze": (frames, 2, 2),
        }
        for name, shape in expected.items():
            actual = getattr(self, name).shape
            if actual != shape:
                raise ValueError(f"Motion.{name} has shape {actual}, expected {shape}")

    def __len__(self) -> int:
        return len(self.expression)

    @property
    def seconds(self) -> float:
        """Duration covered by the frames."""
        return len(self) / self.fps

    def face_vector(self) -> NDArray[np.float32]:
        """(T, 53): expression then jaw, AdaMesh's target layout."""
        return np.concatenate([self.expression, self.jaw], axis=1)

    def require_basis(self, basis_hash: str) -> None:
        """Refuse to mix coefficients of two bases (architecture rule 1)."""
        if self.basis_hash != basis_hash:
            raise ModelError(
                f"This motion is written in face basis {self.basis_name} ({self.basis_hash[:8]}), "
                f"but the model expects {basis_hash[:8]}.",
                "Track or generate it again with this version of Mimesh.",
            )

    def replace(self, **changes: object) -> Motion:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    @classmethod
    def joined(cls, motions: Sequence[Motion]) -> Motion:
        """One after the other; all of one rate and basis."""
        parts = {name: np.concatenate([getattr(m, name) for m in motions]) for name in _OVER_TIME}
        return motions[0].replace(**parts)

    def part(self, first: int, last: int) -> Motion:
        """Frames ``first`` up to ``last``, which is left out."""
        return self.replace(**{name: getattr(self, name)[first:last] for name in _OVER_TIME})

    def save(self, path: Path, **extra: FloatArray) -> None:
        """Write an ``.npz`` without pickles; ``extra`` arrays go beside the fields."""
        with Path(path).open("wb") as file:
            np.savez_compressed(
                file,
                fps=np.float64(self.fps),
                expression=self.expression,
                jaw=self.jaw,
                head=self.head,
                gaze=self.gaze,
                basis_name=np.array(self.basis_name),
                basis_hash=np.array(self.basis_hash),
                **extra,  # type: ignore[arg-type]
            )

    @classmethod
    def load(cls, path: Path) -> Motion:
        """Read what :meth:`save` wrote. Raises ValueError, KeyError or OSError for what it did not write."""
        with np.load(path, allow_pickle=False) as data:
            motion = cls(
                fps=float(data["fps"]),
                expression=data["expression"].astype(np.float32),
                jaw=data["jaw"].astype(np.float32),
                head=data["head"].astype(np.float32),
                gaze=data["gaze"].astype(np.float32),
                basis_name=str(data["basis_name"]),
                basis_hash=str(data["basis_hash"]),
            )
        motion.require_sane()
        return motion

    def require_sane(self) -> None:
        """Raise ValueError unless every value is a number that a face can have."""
        if not 0 < self.fps <= 1000:
            raise ValueError(f"a motion of {self.fps} frames a second")
        require_sane("expression", self.expression, LARGEST_COEFFICIENT)
        for name in ("jaw", "head", "gaze"):
            require_sane(name, getattr(self, name), LARGEST_RADIANS)
