# SPDX-License-Identifier: GPL-3.0-or-later
"""``RecordedTable``: what a file of recorded shapes says, before its frames are put at an even rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import MediaError
from ..face.rotations import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class RecordedTable:
    """names: S of Apple's shapes; values: (N, S), NaN where nothing was seen. Times in one of three ways.

    timecodes: ``HH:MM:SS:FF.sub``. seconds: (N,). frames: (N,) numbers at ``fps``. head: (N, 3) rotation vectors;
    eyes: (N, 2, 2) gaze, both as in :class:`~core.arkit.recording.FaceRecording`.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    timecodes: tuple[str, ...] | None = None
    seconds: NDArray[np.float64] | None = None
    frames: NDArray[np.float64] | None = None
    fps: float | None = None
    head: NDArray[np.float64] | None = None
    eyes: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()


def matrix_rotations(name: str, cells: FloatArray) -> NDArray[np.float64]:
    """(N, 9) or (N, 16) numbers of matrices to (N, 3, 3) rotations, whether they are written by rows or by columns.

    MediaPipe's axes are the basis' own: x right in the picture, y up, z towards the viewer. Raises
    :class:`MediaError` for what turns nothing.
    """
    side = 4 if cells.shape[1] == 16 else 3 if cells.shape[1] == 9 else 0
    if not side:
        raise MediaError(f"A matrix of {name} has {cells.shape[1]} numbers.", "It must have 9 or 16.")
    matrices = np.asarray(cells, np.float64).reshape(-1, side, side)
    if side == 4:
        # by columns the translation stands in the last row
        by_columns = np.abs(np.nan_to_num(matrices[:, 3, :3])).sum() > np.abs(np.nan_to_num(matrices[:, :3, 3])).sum()
        matrices = (matrices.transpose(0, 2, 1) if by_columns else matrices)[:, :3, :3]
    seen = np.isfinite(matrices).all(axis=(1, 2))
    rotations = np.full((len(matrices), 3, 3), np.nan)
    if seen.any():
        # the nearest rotation: apps write scaled ones
        u, sizes, vt = np.linalg.svd(matrices[seen])
        if sizes.min() <= 1e-9:
            raise MediaError(f"A matrix of {name} turns nothing: it is singular.")
        proper = u @ vt
        u[np.linalg.det(proper) < 0, :, -1] *= -1.0
        rotations[seen] = u @ vt
    # what was not seen is filled in between; a rotation vector cannot be made of it
    places = np.flatnonzero(seen)
    if not len(places):
        return np.tile(np.eye(3), (len(matrices), 1, 1))
    nearest = places[np.abs(np.arange(len(matrices))[:, None] - places[None]).argmin(axis=1)]
    return rotations[nearest]
