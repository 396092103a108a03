# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside the lips: a closed bag of mucosa, two rows of teeth with gums, and a tongue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from research.assets.demo_head.face import Skin
from research.assets.demo_head.parts import (
    BONES,
    JAW,
    MATERIALS,
    NECK,
    Piece,
    capped_tube,
    fan,
    merge,
    rigid_piece,
    tube_faces,
)

_MUCOSA = np.array([0.30, 0.10, 0.10])
_THROAT = np.array([0.07, 0.02, 0.02])
_LIP_INNER = np.array([0.55, 0.27, 0.25])
_TOOTH = np.array([0.86, 0.83, 0.76])
_TOOTH_ROOT = np.array([0.78, 0.70, 0.58])
_GUM = np.array([0.62, 0.33, 0.33])
_TONGUE = np.array([0.62, 0.30, 0.30])

# each ring of the bag: depth behind the lip (cm), half height it opens to (cm), widening, share of the lips' keys
_BAG = (
    (0.10, -0.045, 1.00, 1.0),  # the lips roll towards each other, so that they meet when the mouth is shut
    (0.28, -0.02, 1.00, 0.95),
    (0.50, 0.35, 1.00, 0.8),
    (0.75, 0.95, 1.04, 0.55),
    (1.6, 1.75, 1.18, 0.2),
    (3.2, 2.0, 1.25, 0.0),
    (5.0, 1.7, 1.05, 0.0),
    (6.5, 1.0, 0.7, 0.0),
)
# widths of one side's teeth from the middle, cm
_UPPER_WIDTHS = (0.84, 0.66, 0.76, 0.70, 0.66, 0.95)
_LOWER_WIDTHS = (0.54, 0.58, 0.68, 0.70, 0.70)
_COLUMNS = 16


def build_mouth(skin: Skin) -> tuple[Piece, Piece]:
    """The bag (its first ring repeats the skin's lip border; the caller welds it), and teeth with tongue."""
    rim = skin.piece.vertices[skin.lip_rim]
    middle = rim[[len(rim) // 4, 3 * len(rim) // 4]].mean(axis=0)
    upper = _row(_UPPER_WIDTHS, middle + np.array([0.0, -0.12, -0.80]), up=1.0, bone=NECK)
    lower = _row(_LOWER_WIDTHS, middle + np.array([0.0, -0.10, -1.12]), up=-1.0, bone=JAW)
    tongue = _tongue(middle + np.array([0.0, -0.68, -3.8]))
    return _bag(skin, rim), merge([*upper, *lower, tongue])


def _bag(skin: Skin, rim: NDArray[np.float64]) -> Piece:
    columns = len(rim)
    # the rim runs along the lower lip first: -1 there, +1 on the upper lip, 0 in the corners
    turn = np.arange(columns) * 2 * np.pi / columns
    side = -np.sign(np.sin(turn)) * np.sqrt(np.abs(np.sin(turn)))
    level = 0.5 * (rim[:, 1].min() + rim[:, 1].max())
    rings = [rim]
    for depth, height, wide, _ in _BAG:
        ring = rim * np.array([wide, 1.0, 1.0]) - np.array([0.0, 0.0, depth])
        straight = min(depth / 3.0, 1.0)
        ring[:, 1] = (1 - straight) * ring[:, 1] + straight * level + side * height
        # further in, the bag's section is an oval and no longer the lips' curve
        ring[:, 2] = (1 - straight) * ring[:, 2] + straight * (rim[:, 2].max() - depth - 0.15 * ring[:, 0] ** 2)
        rings.append(ring)
    stacked = np.stack(rings)
    count = len(stacked)
    vertices = np.concatenate([stacked.reshape(-1, 3), stacked[-1].mean(axis=0, keepdims=True)])
    end = np.arange((count - 1) * columns, count * columns)
    faces = np.concatenate([tube_faces(count, columns), fan(end, count * columns)])
    share = np.append(np.repeat([1.0, *[row[3] for row in _BAG]], columns), 0.0)
    source = np.append(np.tile(skin.lip_rim, count), skin.lip_rim[0])
    materials = np.full(len(faces), MATERIALS.index("mouth_inside"))
    materials[: 3 * columns] = MATERIALS.index("lips")
    return Piece(
        vertices=vertices,
        faces=faces,
        materials=materials,
        colours=_bag_colours(count, columns),
        weights=_bag_weights(skin, source, np.append(np.tile(side, count), 0.0), _ring_numbers(count, columns)),
        deltas=skin.piece.deltas[:, source] * share[None, :, None],
    )


def _bag_colours(count: int, columns: int) -> NDArray[np.float64]:
    depth = np.clip((_ring_numbers(count, columns) - 3.0) / 4.0, 0.0, 1.0)[:, None]
    colours = (1 - depth) * _MUCOSA + depth * _THROAT
    colours[: 2 * columns] = _LIP_INNER
    colours[2 * columns : 3 * columns] = 0.5 * (_LIP_INNER + _MUCOSA)
    return colours


def _ring_numbers(count: int, columns: int) -> NDArray[np.int64]:
    """Which ring each vertex of the bag is in, the closing point last."""
    return np.append(np.repeat(np.arange(count), columns), count)


def _bag_weights(
    skin: Skin, source: NDArray[np.int64], side: NDArray[np.float64], ring: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Near the lips the lips' own weights, further in the floor follows the jaw and the roof does not."""
    inner = np.clip((ring - 3.0) / 2.0, 0.0, 1.0)
    floor = np.clip(0.5 - 0.5 * side * 1.6, 0.0, 1.0)
    jaw = (1 - inner) * skin.piece.weights[source, JAW] + inner * floor * np.clip(1.3 - 0.12 * ring, 0.0, 1.0)
    weights = np.zeros((len(source), len(BONES)))
    weights[:, JAW] = jaw
    weights[:, NECK] = 1.0 - jaw
    return weights


def _row(widths: tuple[float, ...], tip: NDArray[np.float64], up: float, bone: int) -> list[Piece]:
    """Teeth on both sides of the middle along a parabola, edges at ``tip``'s height, and their gum."""
    pieces = []
    positions = np.concatenate([[0.0], np.cumsum(widths)])
    for index, width in enumerate(widths):
        middle = 0.5 * (positions[index] + positions[index + 1])
        for sign in (-1.0, 1.0):
            pieces.append(_tooth(_arch(sign * middle, tip), width, index, up, bone))
    pieces.append(_gum(positions[-1], tip, up, bone))
    return pieces


def _arch(arc: float, tip: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Point of the dental arch ``arc`` cm along it from the middle, and the heading there (radians)."""
    steps = np.linspace(0.0, abs(arc), 64)
    # x as a function of arc length on z = -0.28 x^2, by integration of its slope
    x = np.zeros_like(steps)
    for k in range(1, len(steps)):
        x[k] = x[k - 1] + (steps[k] - steps[k - 1]) / np.sqrt(1 + (0.56 * x[k - 1]) ** 2)
    across = float(np.sign(arc)) * x[-1]
    heading = np.arctan(-0.56 * across)
    return tip + np.array([across, 0.0, -0.28 * across**2]), float(heading)


def _tooth(placed: tuple[NDArray[np.float64], float], width: float, index: int, up: float, bone: int) -> Piece:
    """A rounded crown: superelliptic rings from the edge up to the gum."""
    origin, heading = placed
    angle = np.arange(_COLUMNS) * 2 * np.pi / _COLUMNS
    box = np.stack([_super(np.cos(angle)), _super(np.sin(angle))], axis=1)
    thick = 0.22 if index < 3 else 0.42
    # height above the edge (cm), width, thickness (shares)
    profile = ((0.0, 0.75, 0.35), (0.04, 0.93, 0.6), (0.25, 1.0, 0.85), (0.6, 0.95, 1.0), (0.95, 0.8, 1.0))
    lift = 0.06 if index == 1 else 0.0
    rings = []
    for height, wide, deep in profile:
        local = box * np.array([0.495 * width * wide, thick * deep])
        across, out = local[:, 0], local[:, 1] - thick
        x = across * np.cos(heading) - out * np.sin(heading)
        z = across * np.sin(heading) + out * np.cos(heading)
        level = np.full_like(x, origin[1] + up * (height + lift))
        rings.append(np.stack([origin[0] + x, level, origin[2] + z], axis=1))
    vertices, faces = capped_tube(np.stack(rings))
    shade = np.clip((vertices[:, 1] - origin[1]) * up / 0.95, 0, 1)[:, None]
    # the back of the mouth is dark
    colours = (1 - shade) * _TOOTH + shade * _TOOTH_ROOT
    return rigid_piece(vertices, faces, "teeth", colours * (1.0 - 0.11 * index), bone)


def _super(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sign(value) * np.abs(value) ** 0.6


def _gum(half_length: float, tip: NDArray[np.float64], up: float, bone: int) -> Piece:
    """A tube along the arch that the crowns stand in."""
    angle = np.arange(_COLUMNS) * 2 * np.pi / _COLUMNS
    rings = []
    for arc in np.linspace(-half_length, half_length, 25):
        origin, heading = _arch(float(arc), tip)
        out = 0.38 * np.cos(angle) - 0.28
        rings.append(
            np.stack(
                [
                    origin[0] + out * -np.sin(heading),
                    origin[1] + up * (1.0 + 0.42 * np.sin(angle)),
                    origin[2] + out * np.cos(heading),
                ],
                axis=1,
            )
        )
    vertices, faces = capped_tube(np.stack(rings))
    return rigid_piece(vertices, faces, "mouth_inside", _GUM, bone)


def _tongue(centre: NDArray[np.float64]) -> Piece:
    """A flattened ellipsoid with a furrow, resting between the lower teeth."""
    angle = np.arange(24) * 2 * np.pi / 24
    polar = np.linspace(0.05, np.pi - 0.05, 13)[:, None]
    x = 1.7 * np.sin(polar) ** 0.8 * np.cos(angle)
    y = 0.55 * np.sin(polar) ** 0.7 * np.sin(angle) - 0.12 * np.exp(-((x / 0.3) ** 2)) * (np.sin(angle) > 0)
    z = -2.6 * np.cos(polar) * np.ones_like(angle)
    vertices, faces = capped_tube(np.stack([x, y, z], axis=-1) + centre)
    return rigid_piece(vertices, faces, "tongue", _TONGUE, JAW)
