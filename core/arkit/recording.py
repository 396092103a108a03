# SPDX-License-Identifier: GPL-3.0-or-later
"""``FaceRecording``: Apple's 52 values over time as another program wrote them, and the motion that they mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.basis import open_basis
from ..face.lids import lid_chart
from ..face.motion import Motion
from ..face.rotations import FloatArray, matrix_from_rotvec, relative_to_mean
from ..rig.conventions.controls import GAZE_WAYS
from ..rig.plan_bones import GAZE_KEY_RADIANS
from ..tracking.fit import fit
from .names import SHAPES
from .shapes import arkit_shapes

_BLINKS = (SHAPES.index("eyeBlinkLeft"), SHAPES.index("eyeBlinkRight"))
# displacements of so many frames are in memory at once
_CHUNK_FRAMES = 1000
# Apple's shapes do what calm speakers never do: less shrinkage gives coefficients beyond Blender's slider limit of 10
# for a shape at 0.6, and keeps the lips no better
_NOISE_VARIANCE = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class FaceRecording:
    """T frames at ``fps``, evenly spaced, the first at ``start_seconds`` of the recording's own clock.

    values: (T, 52) in the order of :data:`~core.arkit.names.SHAPES`. head: (T, 3) rotation vectors in radians in the
    basis' axes, None where none was recorded. eyes: (T, 2, 2) radians of left and right eye, pitch down and yaw to the
    person's left, None where only the shapes tell. notes: sentences on what was found and mended.
    """

    fps: float
    values: NDArray[np.float64]
    head: NDArray[np.float64] | None = None
    eyes: NDArray[np.float64] | None = None
    start_seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    @property
    def seconds(self) -> float:
        """Duration covered by the frames."""
        return len(self) / self.fps


def recorded_motion(recording: FaceRecording, from_rest: bool = True) -> Motion:
    """The recording in the open face basis, at its own rate.

    from_rest: the head turns relative to its mean pose, since where the camera stood is no motion; else as recorded.
    """
    basis, shapes = open_basis(), arkit_shapes()
    open_eyed = recording.values.copy()
    open_eyed[:, _BLINKS] = 0.0
    parts = [
        fit(np.tensordot(open_eyed[first : first + _CHUNK_FRAMES], shapes, axes=1), basis, _NOISE_VARIANCE)
        for first in range(0, len(recording), _CHUNK_FRAMES)
    ]
    expression = np.concatenate([part.expression for part in parts])
    closed = np.clip(recording.values[:, _BLINKS], 0.0, 1.0)
    gaze = shown_gaze(recording.values) if recording.eyes is None else recording.eyes
    head = np.zeros((len(recording), 3)) if recording.head is None else recording.head
    if recording.head is not None and from_rest:
        head = relative_to_mean(matrix_from_rotvec(recording.head))
    return Motion(
        fps=recording.fps,
        expression=lid_chart(basis).closed(expression, closed),
        jaw=np.concatenate([part.jaw for part in parts]),
        head=head.astype(np.float32),
        gaze=gaze.astype(np.float32),
        basis_name=basis.name,
        basis_hash=basis.hash,
    )


def shown_gaze(values: FloatArray) -> NDArray[np.float64]:
    """(T, 52) to (T, 2, 2) radians: a look shape at full value turns its eye by thirty degrees, as our keys do."""
    gaze = np.zeros((len(values), 2, 2))
    for name, (eye, axis, sign) in GAZE_WAYS.items():
        gaze[:, eye, axis] += sign * GAZE_KEY_RADIANS * values[:, SHAPES.index(name)]
    return gaze
