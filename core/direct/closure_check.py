# SPDX-License-Identifier: GPL-3.0-or-later
"""Where lips that a line shuts stay open on a mesh, as it is deformed in the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import RigError
from ..face.basis import FaceBasis
from ..face.landmarks import STABLE
from ..face.rotations import FloatArray
from ..face.series import runs
from ..rig.description import RigDescription
from ..rig.face import PAIRS_ACROSS
from ..rig.frames import align_rig, fit_similarity, snapped_axes
from ..rig.lips import LipColumns, find_lip_columns, silhouette_gaps
from ..rig.opening import shut_gaps
from .closure_hold import SHUT_CM, middle_opening

# lips that come no nearer than this stay open for a viewer
STAYS_OPEN_CM = 0.1


@dataclass(frozen=True, slots=True)
class Closure:
    """Frames on which a line shuts the lips. middle: where they are pressed most."""

    first: int
    last: int
    middle: int


@dataclass(frozen=True, slots=True, eq=False)
class MeshLips:
    """Lips of a mesh whatever deforms it. upright: (3, 3) a viewer's axes. stable: (S, 3) landmarks at rest."""

    rig: RigDescription
    columns: LipColumns
    upright: FloatArray
    stable: FloatArray
    stable_rows: NDArray[np.int64]
    shut: FloatArray

    def opening(self, vertices: FloatArray) -> float:
        """Centimetres that the middle of the mouth is open, for deformed vertices (V, 3) in the object's axes."""
        assert self.rig.binding is not None
        # a turned head is turned back by skin that speech hardly moves
        placed = fit_similarity(self.stable, self.rig.binding.points(vertices)[self.stable_rows])
        points = self.columns.points(placed.undo(vertices) @ self.upright)
        return float(middle_opening(silhouette_gaps(points[..., 1])[None], self.shut)[0])


def mesh_lips(rig: RigDescription, basis: FaceBasis) -> MeshLips:
    """Find the lips of a mesh. Raises :class:`RigError` where it has none that are known."""
    placed = align_rig(rig, basis.neutral)
    assert rig.binding is not None
    upright = placed.rotation.T @ snapped_axes(placed.rotation)
    vertices = placed.undo(rig.vertices.astype(np.float64))
    landmarks = rig.binding.points(vertices)
    columns = find_lip_columns(vertices @ upright, rig.triangles, landmarks @ upright, PAIRS_ACROSS)
    if columns is None:
        raise RigError(f'The lips of "{rig.object_name}" are not found on the mesh, so closures cannot be checked.')
    rows = STABLE[rig.binding.valid[STABLE]]
    shut = shut_gaps(silhouette_gaps(columns.points(vertices @ upright)[..., 1]))
    return MeshLips(rig, columns, upright, landmarks[rows], rows, shut)


def closures(frames: NDArray[np.int64], opening: FloatArray) -> tuple[Closure, ...]:
    """Stretches of frames (T,) whose opening (T,) in centimetres is that of shut lips."""
    return tuple(
        Closure(int(frames[a]), int(frames[b - 1]), int(frames[a + int(np.argmin(opening[a:b]))]))
        for a, b in runs(np.asarray(opening) < SHUT_CM)
    )
