# SPDX-License-Identifier: GPL-3.0-or-later
"""What each of Apple's shapes does to the landmarks of the open face basis: (52, 478, 3) centimetres at full value.

Made here from Apple's words for the shapes and from the basis' own geometry, from no other mesh. Lips are moved ring
by ring, other skin by a few points; the rest follows by a smooth interpolation that leaves in place what a shape does
not move (biharmonic, Bookstein's thin plates in space). The jaw turns about the basis' hinge.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..face.basis import FaceBasis, open_basis
from ..face.landmarks import (
    BROW_LEFT,
    BROW_RIGHT,
    CHIN_POINTS,
    EYE_LEFT,
    EYE_RIGHT,
    FACE_OVAL,
    INNER_LIPS,
    LIPS,
    MOUTH_CORNER_LEFT,
    OUTER_LIPS,
    SKIN_COUNT,
    STABLE,
)
from ..face.lids import LOWER_LIDS, UPPER_LIDS
from .names import SHAPES, mirrored

Vector = tuple[float, float, float]
_ZERO: Vector = (0.0, 0.0, 0.0)
# of the jaw at full value
JAW_OPEN_RADIANS = 0.36
_JAW_FORWARD_CM, _JAW_SIDE_CM = 0.7, 0.9
# of the way between them that the upper and the lower lip go when mouthClose shuts an open jaw
_UPPER_SHARE = 0.25
# from the middle of the mouth, as a share of its half width: a left shape begins and is full
_SIDE_FROM, _SIDE_FULL = -0.15, 0.45
_NOSE_SIDES = (129, 358, 98, 327, 2, 1, 4, 5, 195, 197)


@dataclass(frozen=True, slots=True)
class LipShape:
    """Centimetres that points of the lips move: x away from the middle, y up, z forward.

    upper, lower: in the middle of the lips' outer edges; corner: at both corners; inner_upper, inner_lower: of the
    inner edges, as the outer ones where they are None. along: x to the person's left for all. points: of other skin on
    the left, mirrored unless the shape is of one side. sided: the right side stays.
    """

    upper: Vector = _ZERO
    lower: Vector = _ZERO
    corner: Vector = _ZERO
    inner_upper: Vector | None = None
    inner_lower: Vector | None = None
    along: float = 0.0
    points: Mapping[int, Vector] = field(default_factory=dict)
    sided: bool = False


_CHIN, _CHEEK, _BESIDE_NOSE = 199, 425, 426
# shapes of the mouth; of those with sides the left one is here
LIP_SHAPES: Mapping[str, LipShape] = {
    "mouthFunnel": LipShape(
        (0, 0.25, 0.75), (0, -0.35, 0.75), (-0.75, 0, 0.5), (0, 0.55, 0.6), (0, -0.6, 0.6), points={_CHIN: (0, 0.1, 0)}
    ),
    "mouthPucker": LipShape((0, -0.05, 0.9), (0, 0.1, 0.85), (-1.1, 0, 0.75), points={_CHEEK: (-0.15, 0, 0.1)}),
    "mouthLeft": LipShape(along=0.9, points={_CHIN: (0.15, 0, 0), _CHEEK: (0.2, 0, 0)}),
    "mouthSmileLeft": LipShape(
        (0.15, 0.12, -0.2), (0.15, 0.1, -0.2), (0.75, 0.9, -0.45), points={_CHEEK: (0.2, 0.45, 0.15)}, sided=True
    ),
    "mouthFrownLeft": LipShape((0, -0.08, 0), (0, -0.12, 0), (0.15, -0.85, -0.1), sided=True),
    "mouthDimpleLeft": LipShape((0.1, 0, -0.1), (0.1, 0, -0.1), (0.5, 0.1, -0.55), sided=True),
    "mouthStretchLeft": LipShape((0.15, 0, -0.15), (0.15, -0.1, -0.15), (0.9, -0.4, -0.5), sided=True),
    "mouthRollLower": LipShape(lower=(0, 0.45, -0.45), inner_lower=(0, 0.1, -0.5), points={_CHIN: (0, 0.05, 0)}),
    "mouthRollUpper": LipShape(upper=(0, -0.35, -0.4), inner_upper=(0, -0.08, -0.5)),
    "mouthShrugLower": LipShape(
        (0, 0.22, 0.05), (0, 0.6, 0.25), (0, 0.1, 0), points={_CHIN: (0, 0.4, 0.1), 152: (0, 0.2, 0)}
    ),
    "mouthShrugUpper": LipShape((0, 0.45, 0.25), (0, 0.1, 0), (0, 0.1, 0)),
    "mouthPressLeft": LipShape(
        (0, -0.2, -0.12), (0, 0.25, -0.12), (0.1, 0.08, -0.15), (0, -0.02, -0.1), (0, 0.03, -0.1), sided=True
    ),
    "mouthLowerDownLeft": LipShape(
        lower=(0.05, -0.75, 0.0), corner=(0.05, -0.12, 0), points={_CHIN: (0, -0.1, 0)}, sided=True
    ),
    "mouthUpperUpLeft": LipShape(
        upper=(0.05, 0.65, 0.05), corner=(0.05, 0.12, 0), points={_BESIDE_NOSE: (0.1, 0.3, 0.1)}, sided=True
    ),
}


@dataclass(frozen=True, slots=True)
class SkinShape:
    """points: centimetres that points of the left side move; middle shapes are mirrored."""

    points: Mapping[int, Vector]
    middle: bool = False


# brows from the nose outwards: upper edge 336, 296, 334, 293, 300; lower 285, 295, 282, 283, 276
_BROW = ((336, 285), (296, 295), (334, 282), (293, 283), (300, 276))


def _brow(*moves: Vector) -> dict[int, Vector]:
    return {point: move for points, move in zip(_BROW, moves, strict=True) for point in points}


SKIN_SHAPES: Mapping[str, SkinShape] = {
    "browDownLeft": SkinShape(
        _brow((-0.2, -0.75, 0.05), (-0.15, -0.7, 0.05), (-0.1, -0.6, 0), (-0.05, -0.4, 0), (0, -0.2, 0))
    ),
    "browInnerUp": SkinShape(
        {**_brow((0, 0.95, 0.05), (0, 0.75, 0), (0, 0.4, 0), (0, 0.12, 0), _ZERO), 151: (0, 0.4, 0)}, middle=True
    ),
    "browOuterUpLeft": SkinShape(_brow((0, 0.1, 0), (0, 0.45, 0), (0, 0.8, 0), (0, 0.85, 0), (0, 0.65, 0))),
    "cheekPuff": SkinShape(
        {425: (0.4, 0, 0.7), 411: (0.7, 0, 0.3), 280: (0.3, 0, 0.2), 432: (0.5, 0, 0.5), 287: (0.1, 0, 0.35)},
        middle=True,
    ),
    "cheekSquintLeft": SkinShape({346: (0, 0.45, 0.15), 280: (0, 0.4, 0.2), 330: (0, 0.35, 0.15), 425: (0, 0.2, 0.1)}),
    "noseSneerLeft": SkinShape(
        {
            358: (0.1, 0.45, 0.05),
            327: (0.05, 0.3, 0.05),
            426: (0.1, 0.3, 0.1),
            267: (0, 0.25, 0),
            285: (-0.1, -0.15, 0),
        }
    ),
}
# share of the lids' opening that goes, from above and from below, on the left
_LID_SHARES = {"eyeBlinkLeft": (0.88, 0.12), "eyeSquintLeft": (0.2, 0.35), "eyeWideLeft": (-0.35, -0.05)}


@functools.lru_cache(maxsize=1)
def arkit_shapes() -> NDArray[np.float64]:
    """(52, 478, 3) centimetres in the basis' axes, in the order of :data:`~core.arkit.names.SHAPES`.

    The four directions of each eye and the tongue are zero: they move no skin of the basis.
    """
    basis = open_basis()
    made = _jaw_shapes(basis)
    made |= {name: _interpolated(basis, _lip_controls(basis, shape)) for name, shape in LIP_SHAPES.items()}
    made |= {name: _interpolated(basis, _skin_controls(basis, shape)) for name, shape in SKIN_SHAPES.items()}
    made |= {name: _interpolated(basis, _lid_controls(basis, shares)) for name, shares in _LID_SHARES.items()}
    mirror = mirror_map(basis)
    shapes = np.zeros((len(SHAPES), *basis.neutral.shape))
    for name, moved in made.items():
        shapes[SHAPES.index(name)] = moved
        if mirrored(name) != name:
            shapes[SHAPES.index(mirrored(name))] = moved[mirror] * (-1.0, 1.0, 1.0)
    shapes.flags.writeable = False
    return shapes


def mirror_map(basis: FaceBasis) -> NDArray[np.intp]:
    """(478,) each landmark's mirror image: the neutral face of the basis is exactly symmetric."""
    points = basis.neutral.astype(np.float64)
    # corners of the irises lie on circles, which the nearest point finds as well
    distance = np.linalg.norm((points * (-1.0, 1.0, 1.0))[:, None] - points[None], axis=2)
    return distance.argmin(axis=1)


def _jaw_shapes(basis: FaceBasis) -> dict[str, NDArray[np.float64]]:
    opened = basis.jaw_displacement(np.array([[JAW_OPEN_RADIANS, 0.0, 0.0]]))[0]
    follows = basis.jaw_weights[:, None].astype(np.float64)
    return {
        "jawOpen": opened,
        "jawForward": follows * (0.0, 0.0, _JAW_FORWARD_CM),
        "jawLeft": follows * (_JAW_SIDE_CM, 0.0, 0.0),
        "mouthClose": _interpolated(basis, _closing(opened)),
    }


def _closing(opened: NDArray[np.float64]) -> dict[int, Vector]:
    """What shuts the lips of a fully open jaw: upper and lower points over each other meet on the way between."""
    controls: dict[int, Vector] = {}
    for ring in (OUTER_LIPS, INNER_LIPS):
        # rings run from the right corner along the lower lip to the left corner and back along the upper one
        lower, upper = ring[1:10], ring[:10:-1]
        for low, high in zip(lower, upper, strict=True):
            apart = opened[low] - opened[high]
            controls[int(low)] = _vector(-(1.0 - _UPPER_SHARE) * apart)
            controls[int(high)] = _vector(_UPPER_SHARE * apart)
    return controls


def _lip_controls(basis: FaceBasis, shape: LipShape) -> dict[int, Vector]:
    half_width = float(basis.neutral[MOUTH_CORNER_LEFT, 0])
    controls: dict[int, Vector] = {}
    for ring, inner in ((OUTER_LIPS, False), (INNER_LIPS, True)):
        upper = shape.inner_upper if inner and shape.inner_upper is not None else shape.upper
        lower = shape.inner_lower if inner and shape.inner_lower is not None else shape.lower
        for place, point in enumerate(ring):
            across = float(np.clip(basis.neutral[point, 0] / half_width, -1.0, 1.0))
            at_corner = across**2
            middle = lower if 0 < place < 10 else upper
            if place in (0, 10):
                at_corner = 1.0
            moved = (1.0 - at_corner) * np.array(middle) + at_corner * np.array(shape.corner)
            moved[0] = moved[0] * np.sign(across) + shape.along
            controls[int(point)] = _vector(moved * (_of_left(across) if shape.sided else 1.0))
    controls |= _both_sides(basis, shape.points, mirrored_too=not shape.sided, turned=bool(shape.along))
    return controls


def _skin_controls(basis: FaceBasis, shape: SkinShape) -> dict[int, Vector]:
    return _both_sides(basis, shape.points, mirrored_too=shape.middle)


def _lid_controls(basis: FaceBasis, shares: tuple[float, float]) -> dict[int, Vector]:
    """Of the left eye: both lids go along the line between them."""
    controls: dict[int, Vector] = {}
    for upper, lower in zip(UPPER_LIDS[0], LOWER_LIDS[0], strict=True):
        apart = (basis.neutral[upper] - basis.neutral[lower]).astype(np.float64)
        controls[int(upper)] = _vector(-shares[0] * apart)
        controls[int(lower)] = _vector(shares[1] * apart)
    return controls


def _both_sides(
    basis: FaceBasis, points: Mapping[int, Vector], mirrored_too: bool, turned: bool = False
) -> dict[int, Vector]:
    """turned: the mirrored point goes the same way along x, not the opposite one."""
    controls = dict(points)
    if mirrored_too:
        mirror = mirror_map(basis)
        for point, (x, y, z) in points.items():
            other = int(mirror[point])
            if other not in controls:
                controls[other] = (x if turned else -x, y, z)
    return controls


def _of_left(across: float) -> float:
    share = float(np.clip((across - _SIDE_FROM) / (_SIDE_FULL - _SIDE_FROM), 0.0, 1.0))
    return share**2 * (3.0 - 2.0 * share)


def _interpolated(basis: FaceBasis, controls: Mapping[int, Vector]) -> NDArray[np.float64]:
    """(478, 3) that meets the controls, leaves in place what no control is near to, and is smooth between."""
    moves = {int(point): _ZERO for point in _still(controls)} | dict(controls)
    points = np.array(sorted(moves))
    places = basis.neutral.astype(np.float64)
    kernel = np.linalg.norm(places[points][:, None] - places[points][None], axis=2)
    weights = np.linalg.solve(kernel + 1e-9 * np.eye(len(points)), np.array([moves[point] for point in points]))
    moved = np.linalg.norm(places[:, None] - places[points][None], axis=2) @ weights
    # irises turn in their sockets and are no skin
    moved[SKIN_COUNT:] = 0.0
    return moved


def _still(controls: Mapping[int, Vector]) -> set[int]:
    """Landmarks that a shape of these controls leaves where they are."""
    still = set(map(int, np.concatenate([STABLE, FACE_OVAL, _NOSE_SIDES])))
    for region in (LIPS, BROW_LEFT, BROW_RIGHT, EYE_LEFT, EYE_RIGHT, CHIN_POINTS):
        own = set(map(int, region))
        if not own & set(controls):
            still |= own
    return still - set(controls)


def _vector(values: NDArray[np.float64]) -> Vector:
    x, y, z = values
    return float(x), float(y), float(z)
