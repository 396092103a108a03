# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a head that the tracker judges: skin, red lips, light teeth, a dark mouth, eyes and brows.

A tracker finds lips by their colour. Teeth, gums and the inside of the cheeks in the colour of skin look like a
mouth that is less open than it is; without brows and pupils it reads one mouth a quarter apart from two sides; and a
small opening without teeth, which nobody has, it reads a third too open: a head without any is lent some.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.face.landmarks import IRIS_LEFT, IRIS_RIGHT, OUTER_LIPS, SKIN_COUNT
from core.face.rotations import matrix_from_rotvec
from core.rig.description import LandmarkBinding, RigDescription
from core.rig.lips import edges_about_mouth, lip_vertices
from core.rig.raster import View, draw
from core.rig.surface import pieces
from research.evaluation.rigs.lent_teeth import LentTeeth, lend_teeth

_PIXELS, _WIDTH_CM, _CAMERA_CM = 448, 17.0, 60.0
# linear colours; what the light does to them comes on top
_SKIN, _LIPS, _TEETH, _FLESH, _DARK = (
    (0.78, 0.55, 0.45),
    (0.55, 0.22, 0.21),
    (0.85, 0.80, 0.72),
    (0.40, 0.16, 0.15),
    (0.02, 0.01, 0.01),
)
# about the middle of the mouth: what lies in there and is not skin is of the mouth
_MOUTH_CM = (3.4, 3.2, 8.0)
# a plate of darkness behind the lips, where a mesh has no throat
_PLATE_CM = ((-2.6, -2.8, -3.0), (2.6, -2.8, -3.0), (2.6, 1.6, -3.0), (-2.6, 1.6, -3.0))
# a tooth with its root, or a row of teeth, is no higher and no deeper; gums, tongue and throat are
_TOOTH_CM = (3.2, 4.2)
# a slit of the height of its depth lets in 0.45 of the light, the sine of half the angle under which it sees it
_FADE_CM = 1.0
# of a ball, the smallest of its three sizes as a share of the largest
_BALL_SHARE = 0.6
_BROWS = np.array([[70, 63, 105, 66, 107], [336, 296, 334, 293, 300]])
_HAIR, _SCLERA, _IRIS = (0.19, 0.12, 0.09), (0.72, 0.70, 0.68), (0.10, 0.06, 0.04)
# widths in centimetres, each with a soft edge
_BROW_CM, _IRIS_CM, _EYE_CM, _LIP_EDGE_CM = (0.2, 0.5), (0.50, 0.62), 1.6, (-0.15, 0.10)
# (nod, turn): how far open one mouth looks to the tracker differs by a fifth and more from above and from below, and
# a tenth from the sides; which height is the eyes' is a mesh's own secret, so it is asked from all
VIEWS_DEGREES = ((-12.0, -8.0), (-12.0, 8.0), (0.0, 0.0), (12.0, -8.0), (12.0, 8.0))


Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """A head to be drawn again and again from the front, its turn taken off.

    triangles: (F, 3) that can come into sight, of the head's V vertices, the plate's four and the N of ``lent`` teeth.
    colours: (V + 4 + N, 3). inside: (V + 4 + N,) what lies in the mouth. lips: vertices of the lips. plate: (4, 3).
    view: of the resting face. binding: where its landmarks are.
    """

    triangles: NDArray[np.int32]
    colours: NDArray[np.float64]
    inside: NDArray[np.bool_]
    lips: NDArray[np.intp]
    plate: NDArray[np.float64]
    view: View
    binding: LandmarkBinding
    lent: LentTeeth | None = None

    def picture(self, vertices: NDArray[np.float64], nod_and_turn: tuple[float, float] = (0.0, 0.0)) -> Pixels:
        """(V, 3) in face axes and cm to (448, 448, 3), as a camera sees it from 60 cm; degrees down and aside."""
        lent = [] if self.lent is None else [self.lent.moved(self.binding.points(vertices))]
        placed = np.concatenate([vertices, self.plate, *lent])
        behind = np.clip(vertices[self.lips, 2].max() - placed[:, 2], 0.0, None)
        shades = self.colours * np.where(self.inside, np.exp(-behind / _FADE_CM), 1.0)[:, None]
        nod, turn = np.radians(nod_and_turn)
        turns = matrix_from_rotvec(np.array([nod, 0.0, 0.0])) @ matrix_from_rotvec(np.array([0.0, turn, 0.0]))
        centre = self.view.centre
        turned = centre + (placed - centre) @ turns.T
        return draw(in_perspective(turned, centre), self.triangles, shades, self.view).rgb


def paint(rig: RigDescription, rest: NDArray[np.float64], dark_mouth: bool = False) -> Painted:
    """Colours for a head at ``rest`` (V, 3) in face axes and cm.

    dark_mouth: teeth and all else behind the lips unlit, a control: the same lips, read with and without teeth.
    """
    assert rig.binding is not None
    points = rig.binding.points(rest)
    middle = points[OUTER_LIPS].mean(axis=0)
    label = pieces(len(rest), rig.triangles)
    skin = label == np.bincount(label[rig.binding.triangles[:SKIN_COUNT, 0]]).argmax()
    mouth = (np.abs(rest - middle) < _MOUTH_CM).all(axis=1)
    solid = rig.triangles[~_over_eyes(rest, label, points, skin)[rig.triangles[:, 0]]]
    sighted = triangles_in_sight(rest, solid, points)
    edges = edges_about_mouth(rest, rig.triangles, points)
    lips = lip_vertices(rest, edges, points).any(axis=0) & inside_ring(points[OUTER_LIPS, :2], rest[:, :2]) & skin
    of_skin = np.zeros(len(rest), bool)
    of_skin[solid[sighted]] = True
    within = mouth & ~lips & ~(skin & of_skin)
    first = len(rest)
    # and what comes into sight as lids and lips move
    shown = solid[(of_skin | mouth | lips)[solid].any(axis=1)]
    triangles = np.concatenate([shown, [[first, first + 1, first + 2], [first, first + 2, first + 3]]])
    colours = _colours(rest, label, within, skin)
    _paint_face(colours[:-4], rest, points, skin & ~within, lips)
    inside = np.append(within, np.zeros(4, bool))
    lent = None if _has_teeth(colours) else lend_teeth(points)
    if lent is not None:
        triangles = np.concatenate([triangles, lent.triangles + len(colours)])
        colours = np.concatenate([colours, np.where(lent.white[:, None], _TEETH, _FLESH)])
        inside = np.append(inside, np.ones(len(lent.rest), bool))
    if dark_mouth:
        colours[inside] = _DARK
    return Painted(
        triangles=triangles.astype(np.int32),
        colours=colours,
        inside=inside,
        lips=np.flatnonzero(lips),
        plate=middle + np.array(_PLATE_CM),
        view=_view(points),
        binding=rig.binding,
        lent=lent,
    )


def _over_eyes(
    rest: NDArray[np.float64], label: NDArray[np.int64], points: NDArray[np.float64], skin: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """(V,) lashes, tears and shadows about the eyes: clear on a head with its materials, white without. Balls stay."""
    over = np.zeros(len(rest), bool)
    for iris in points[[IRIS_RIGHT[0], IRIS_LEFT[0]]]:
        near = ~skin & (np.linalg.norm(rest - iris, axis=1) < _EYE_CM)
        for piece in np.unique(label[near]):
            of_piece = label == piece
            size = np.ptp(rest[of_piece], axis=0)
            over[of_piece] = size.min() < _BALL_SHARE * size.max()
    return over


def _has_teeth(colours: NDArray[np.float64]) -> bool:
    return bool((colours == np.array(_TEETH)).all(axis=1).any())


def triangles_in_sight(
    rest: NDArray[np.float64], triangles: NDArray[np.int32], points: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(F,) which triangles a viewer before the resting face sees; points: (478, 3) its landmarks."""
    view = _view(points)
    seen = draw(in_perspective(rest, view.centre), triangles, np.ones((len(rest), 3)), view).triangle
    sighted = np.zeros(len(triangles), bool)
    sighted[np.unique(seen[seen >= 0])] = True
    return sighted


def in_perspective(points: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) spread from ``centre`` as the eye of a camera before it sees them, depths kept."""
    nearer = _CAMERA_CM / (_CAMERA_CM - (points[:, 2:] - centre[2]))
    placed: NDArray[np.float64] = centre + (points - centre) * np.concatenate(
        [nearer, nearer, np.ones_like(nearer)], axis=1
    )
    return placed


def _view(points: NDArray[np.float64]) -> View:
    return View(np.eye(3), points[[1, 9, 152]].mean(axis=0), _WIDTH_CM, _PIXELS)


def _colours(
    rest: NDArray[np.float64], label: NDArray[np.int64], within: NDArray[np.bool_], skin: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(V + 4, 3) skin and the inside of the mouth, the plate's last."""
    colours = np.tile(np.array(_SKIN), (len(rest) + 4, 1))
    colours[:-4][within] = _FLESH
    for piece in np.unique(label[within & ~skin]):
        of_piece = label == piece
        if (np.ptp(rest[of_piece, 1:], axis=0) < _TOOTH_CM).all():
            colours[:-4][of_piece] = _TEETH
    colours[-4:] = _DARK
    return colours


def _paint_face(
    colours: NDArray[np.float64],
    rest: NDArray[np.float64],
    points: NDArray[np.float64],
    skin: NDArray[np.bool_],
    lips: NDArray[np.bool_],
) -> None:
    """Lips, brows and eyes on ``colours`` (V, 3), in place; points: (478, 3) landmarks."""
    ring = points[OUTER_LIPS, :2]
    near = np.flatnonzero(skin & (np.abs(rest - points[OUTER_LIPS].mean(axis=0)) < _MOUTH_CM).all(axis=1))
    inwards = np.where(inside_ring(ring, rest[near, :2]), 1.0, -1.0)
    depth = inwards * _distance(np.concatenate([ring, ring[:1]]), rest[near, :2])
    reachable = lips[near] | (depth < 0)
    _blend(colours, near, _LIPS, _ramp(depth, *_LIP_EDGE_CM) * reachable)
    for line in points[_BROWS]:
        near = np.flatnonzero(skin & (np.linalg.norm(rest - line.mean(axis=0), axis=1) < 2 * _EYE_CM))
        _blend(colours, near, _HAIR, 1.0 - _ramp(_distance(line, rest[near]), *_BROW_CM))
    for iris in points[[IRIS_RIGHT[0], IRIS_LEFT[0]]]:
        distance = np.linalg.norm(rest - iris, axis=1)
        near = np.flatnonzero(~skin & (distance < _EYE_CM))
        colours[near] = _SCLERA
        _blend(colours, near, _IRIS, 1.0 - _ramp(distance[near], *_IRIS_CM))


def _blend(
    colours: NDArray[np.float64],
    where: NDArray[np.intp],
    colour: tuple[float, float, float],
    share: NDArray[np.float64],
) -> None:
    colours[where] += share[:, None] * (np.array(colour) - colours[where])


def _ramp(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    risen: NDArray[np.float64] = np.clip((values - low) / (high - low), 0.0, 1.0)
    return risen


def _distance(line: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) of points (N, k) to a line of pieces (M, k)."""
    start, along = line[:-1], np.diff(line, axis=0)
    share = ((points[:, None] - start) * along).sum(axis=-1) / np.maximum((along**2).sum(axis=-1), 1e-12)
    nearest = start + np.clip(share, 0.0, 1.0)[..., None] * along
    distance: NDArray[np.float64] = np.linalg.norm(points[:, None] - nearest, axis=-1).min(axis=1)
    return distance


def inside_ring(ring: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,) which of the points (N, 2) lie within the ring (M, 2), by how often a ray to the right crosses it."""
    start, end = ring, np.roll(ring, -1, axis=0)
    x, y = points[:, 0, None], points[:, 1, None]
    spans = (start[:, 1] > y) != (end[:, 1] > y)
    at = start[:, 0] + (y - start[:, 1]) / np.where(end[:, 1] == start[:, 1], 1.0, end[:, 1] - start[:, 1]) * (
        end[:, 0] - start[:, 0]
    )
    inside: NDArray[np.bool_] = (spans & (x < at)).sum(axis=1) % 2 == 1
    return inside
