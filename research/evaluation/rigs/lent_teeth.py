# SPDX-License-Identifier: GPL-3.0-or-later
"""Teeth and tongue for a head without: as people put them in, one row on the skull, one and the tongue on the jaw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.blender.demo_head import load_demo_head
from core.face.basis import open_basis
from core.face.landmarks import CHIN_POINTS, MOUTH_CORNER_LEFT, MOUTH_CORNER_RIGHT
from core.face.rotations import matrix_from_rotvec

_TEETH, _TONGUE = "teeth", "tongue"
_MOUTH = [MOUTH_CORNER_RIGHT, MOUTH_CORNER_LEFT, 0, 17]


@dataclass(frozen=True, slots=True, eq=False)
class LentTeeth:
    """The demo head's, moved to the mouth of another head; face axes and cm.

    rest: (N, 3). triangles: (F, 3). lower: (N,) share of the jaw's turn. white: (N,) tooth or tongue.
    hinge: (3,) of the jaw; chin: (3,) where the chin rests.
    """

    rest: NDArray[np.float64]
    triangles: NDArray[np.int32]
    lower: NDArray[np.float64]
    white: NDArray[np.bool_]
    hinge: NDArray[np.float64]
    chin: NDArray[np.float64]

    def moved(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 3) where they are when the landmarks are at ``points`` (478, 3): the chin tells the jaw's turn."""
        before, now = self.chin - self.hinge, points[CHIN_POINTS].mean(axis=0) - self.hinge
        turn = np.arctan2(before[1], before[2]) - np.arctan2(now[1], now[2])
        rotation = matrix_from_rotvec(np.array([turn, 0.0, 0.0]))
        turned = self.hinge + (self.rest - self.hinge) @ rotation.T
        moved: NDArray[np.float64] = self.rest + self.lower[:, None] * (turned - self.rest)
        return moved


def lend_teeth(points: NDArray[np.float64]) -> LentTeeth:
    """Teeth for a face whose landmarks (478, 3) rest at ``points``."""
    head = load_demo_head()
    # back to the basis' axes and centimetres
    vertices = 100.0 * head.vertices.astype(np.float64) @ np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    kinds = [head.material_names.index(name) for name in (_TEETH, _TONGUE)]
    faces = head.faces[np.isin(head.materials, kinds)]
    quads = faces[faces[:, 3] >= 0]
    triangles = np.concatenate([faces[:, :3], quads[:, [0, 2, 3]]])
    used, index = np.unique(triangles, return_inverse=True)
    white = np.zeros(len(vertices), bool)
    white[head.faces[head.materials == kinds[0]][:, :3]] = True
    away = points[_MOUTH].mean(axis=0) - head.binding.points(vertices)[_MOUTH].mean(axis=0)
    return LentTeeth(
        rest=vertices[used] + away,
        triangles=index.reshape(-1, 3).astype(np.int32),
        lower=head.weights[used, head.bone_names.index("jaw")].astype(np.float64),
        white=white[used],
        hinge=np.asarray(open_basis().hinge_point, np.float64) + away,
        chin=points[CHIN_POINTS].mean(axis=0),
    )
