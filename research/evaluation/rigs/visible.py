# SPDX-License-Identifier: GPL-3.0-or-later
"""What a viewer sees of a mouth, by rays from the front: a judge that shares no code with the solve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree
from numpy.typing import NDArray

from core.face.landmarks import MOUTH_CORNER_LEFT, MOUTH_CORNER_RIGHT, SKIN_COUNT
from core.rig.description import LandmarkBinding
from core.rig.surface import pieces

# columns on the way from one corner of the mouth to the other, rows a tenth of a millimetre apart
_COLUMNS = (0.3, 0.4, 0.5, 0.6, 0.7)
_STEP_CM = 0.01
# a ray that gets this far behind the lips has passed between them
_DEPTH_CM = 1.5
_OUTER_TOP, _OUTER_BOTTOM = 0, 17


@dataclass(frozen=True, slots=True, eq=False)
class RayJudge:
    """A head's skin without teeth, tongue and eyes, whose gaps in the mouth are measured by rays.

    triangles: (F, 3) of the skin. binding: where the landmarks are.
    """

    triangles: NDArray[np.int32]
    binding: LandmarkBinding

    def opening(self, vertices: NDArray[np.float64]) -> float:
        """The widest column's dark gap in the unit of ``vertices`` (V, 3): face axes (x right, y up, z to us), cm."""
        points = self.binding.points(vertices)
        right, left = points[MOUTH_CORNER_RIGHT, 0], points[MOUTH_CORNER_LEFT, 0]
        top, bottom = points[_OUTER_TOP], points[_OUTER_BOTTOM]
        tree = BVHTree.FromPolygons(*self._near(vertices, (right, bottom[1]), (left, top[1])))
        if tree is None:
            return 0.0
        # the lips' own skin is met from the front everywhere between their outer edges, unless the mouth is open
        rows = np.arange(bottom[1] + 0.1, top[1] - 0.1, _STEP_CM)
        deep = min(top[2], bottom[2]) - _DEPTH_CM
        return max(self._dark(tree, right + share * (left - right), rows, deep) for share in _COLUMNS) * _STEP_CM

    def _near(
        self, vertices: NDArray[np.float64], low: tuple[float, float], high: tuple[float, float]
    ) -> tuple[list[list[float]], list[list[int]]]:
        """The triangles that a ray between two corners of the picture can meet: the head has thirty times as many."""
        corners = vertices[self.triangles][..., :2]
        near = (corners.max(axis=1) >= low).all(axis=1) & (corners.min(axis=1) <= high).all(axis=1)
        used, faces = np.unique(self.triangles[near], return_inverse=True)
        return vertices[used].tolist(), faces.reshape(-1, 3).tolist()

    @staticmethod
    def _dark(tree: BVHTree, x: float, rows: NDArray[np.float64], deep: float) -> int:
        back = Vector((0.0, 0.0, -1.0))
        hits = (tree.ray_cast(Vector((x, float(y), deep + 30.0)), back)[0] for y in rows)
        return sum(hit is None or hit.z < deep for hit in hits)


def ray_judge(triangles: NDArray[np.int32], binding: LandmarkBinding, vertex_count: int) -> RayJudge:
    """The judge of a mesh: its skin is the connected piece that most landmarks lie on."""
    label = pieces(vertex_count, triangles)
    skin = np.bincount(label[binding.triangles[:SKIN_COUNT, 0]]).argmax()
    return RayJudge(triangles[label[triangles[:, 0]] == skin], binding)
