# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys a motion on a rig and scores the evaluated mesh: rays between the lips, depth of contact, the head's turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from core.blender.read_mesh import vertex_positions
from core.blender.read_rig import read_rig
from core.face.basis import open_basis
from core.face.landmarks import OPENING_PAIRS, STABLE
from core.face.motion import Motion
from core.face.rotations import matrix_from_rotvec, rotvec_from_matrix
from core.rig.description import RigDescription
from core.rig.frames import Similarity, align_rig, fit_similarity, snapped_axes
from core.rig.lips import edges_about_mouth, lip_vertices
from core.rig.surface import nearest_points
from core.rig.timing import SceneTiming
from research.evaluation.rigs.painted import VIEWS_DEGREES, paint
from research.evaluation.rigs.visible import ray_judge
from research.render.evaluate import key_motion

_SHUT_CM, _OPEN_CM, _SEEN_CM, _UNSEEN_CM = 0.1, 0.3, 0.03, 0.015
_NEAR_CM = 0.6


@dataclass(frozen=True, slots=True)
class RigScore:
    """mesh_*: by rays on the evaluated mesh; seen_*: rendered and tracked again, NaN where that was not done.

    correlation and slope are against the motion's opening (:func:`upright_opening`); *_share: of the frames that the
    motion has open (shut).
    deeper_mm: how much deeper than at rest the lips lie in each other at closures, at most. constant_mm: mean error of
    a mouth that never moves, beside error_mm of the tracked one.
    """

    mesh_correlation: float
    mesh_slope: float
    open_share: float
    shut_share: float
    deeper_mm: float
    head_degrees: float
    seen_correlation: float
    seen_slope: float
    error_mm: float
    constant_mm: float


def upright_opening(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 478, 3) to (...): how far the inner lips stand apart upright, zero where they have passed each other.

    The points' distance, as :func:`core.face.landmarks.mouth_opening` has it, counts pressed lips and a lower lip
    behind the upper teeth as an open mouth: up to three millimetres of what nobody sees.
    """
    heights = landmarks[..., OPENING_PAIRS, 1]
    opening: NDArray[np.float64] = np.maximum((heights[..., 0] - heights[..., 1]).mean(axis=-1), 0.0)
    return opening


def measure(obj: Any, motion: Motion, track: bool, step: int = 3, dark_mouth: bool = False) -> RigScore:
    """Key ``motion`` on the head and look at every ``step``-th frame."""
    rig = read_rig(obj)
    placed = align_rig(rig, open_basis().neutral)
    key_motion(obj, motion, SceneTiming(25.0, 1.0))
    frames = np.arange(0, len(motion), step)
    turned = evaluated_frames(obj, len(motion), step).astype(np.float64)
    rest = placed.undo(rig.vertices.astype(float))
    axes = placed.rotation.T @ snapped_axes(placed.rotation)
    still, turns = zip(*(_headless(rig, placed, rest, vertices) for vertices in turned), strict=True)
    upright = [vertices @ axes for vertices in still]
    assert rig.binding is not None
    judge = ray_judge(rig.triangles, rig.binding, len(rest))
    visible = np.array([judge.opening(vertices) for vertices in upright])
    wanted = upright_opening(open_basis().landmarks(motion).astype(np.float64))[frames]
    shut, opened = wanted < _SHUT_CM, wanted > _OPEN_CM
    depths = np.array([_depth(rig, rest @ axes, vertices) for vertices in [rest @ axes, *np.array(upright)[shut]]])
    seen = _tracked(rig, rest @ axes, upright, dark_mouth) if track else np.full(len(frames), np.nan)
    found = np.isfinite(seen)
    return RigScore(
        mesh_correlation=_correlation(visible, wanted),
        mesh_slope=float(np.polyfit(wanted, visible, 1)[0]),
        open_share=float((visible[opened] > _SEEN_CM).mean()) if opened.any() else np.nan,
        shut_share=float((visible[shut] < _UNSEEN_CM).mean()) if shut.any() else np.nan,
        deeper_mm=10 * float(max(depths[1:].max(initial=0.0) - depths[0], 0.0)),
        head_degrees=_head_error(motion.head[frames], np.array(turns), rig.head_bone is not None),
        seen_correlation=_correlation(seen[found], wanted[found]) if found.any() else np.nan,
        seen_slope=float(np.polyfit(wanted[found], seen[found], 1)[0]) if found.any() else np.nan,
        error_mm=10 * float(np.abs(seen[found] - wanted[found]).mean()) if found.any() else np.nan,
        constant_mm=10 * float(np.abs(wanted - np.median(wanted)).mean()),
    )


def evaluated_frames(obj: Any, length: int, step: int) -> NDArray[np.float32]:
    """(T, V, 3) every ``step``-th of ``length`` frames of a keyed head, in the object's own axes."""
    frames = []
    for frame in range(0, length, step):
        obj.users_scene[0].frame_set(frame + 1)
        mesh = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
        frames.append(vertex_positions(mesh))
    return np.stack(frames)


def _headless(
    rig: RigDescription, placed: Similarity, rest: NDArray[np.float64], vertices: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The frame in basis axes with the head's turn taken off, and that turn (3, 3) in FLAME's axes."""
    assert rig.binding is not None
    here = placed.undo(vertices)
    turn = fit_similarity(rig.binding.points(rest)[STABLE], rig.binding.points(here)[STABLE])
    axes = placed.rotation.T @ snapped_axes(placed.rotation)
    return turn.undo(here), axes.T @ turn.rotation @ axes


def _head_error(wanted: NDArray[np.float32], turns: NDArray[np.float64], turns_head: bool) -> float:
    """Mean angle between keyed and found turn in degrees; NaN for a rig without a head bone."""
    if not turns_head:
        return float("nan")
    between = np.swapaxes(matrix_from_rotvec(wanted.astype(float)), 1, 2) @ turns
    return float(np.degrees(np.linalg.norm(rotvec_from_matrix(between), axis=1)).mean())


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return float(np.corrcoef(first, second)[0, 1]) if first.std() > 0 else 0.0


def _depth(rig: RigDescription, rest: NDArray[np.float64], vertices: NDArray[np.float64]) -> float:
    """How deep (cm) the deepest vertex of the lower lip lies behind the nearest skin of the upper one."""
    assert rig.binding is not None
    points = rig.binding.points(rest)
    upper, lower = lip_vertices(rest, edges_about_mouth(rest, rig.triangles, points), points)
    right, left = points[61, 0], points[291, 0]
    lower &= (rest[:, 0] > right + 0.15 * (left - right)) & (rest[:, 0] < right + 0.85 * (left - right))
    skin, low = rig.triangles[upper[rig.triangles].all(axis=1)], vertices[lower]
    near = nearest_points(low, vertices, skin)
    corners = vertices[near.triangles]
    there = np.einsum("nc,ncd->nd", near.barycentric, corners)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    away = low - there
    behind = ((away * normal).sum(axis=1) < 0) & (near.barycentric.min(axis=1) > 1e-6)
    distance = np.linalg.norm(away, axis=1)
    return float(distance[behind & (distance < _NEAR_CM)].max(initial=0.0))


def _tracked(
    rig: RigDescription, rest: NDArray[np.float64], frames: list[NDArray[np.float64]], dark_mouth: bool
) -> NDArray[np.float64]:
    """(T,) cm: every frame drawn from five sides and tracked, the mean; NaN where no face was found."""
    from core.tracking.align import align
    from core.tracking.landmarker import open_tracker

    painter = paint(rig, rest, dark_mouth)
    landmarker = open_tracker().for_picture()
    try:
        seen = np.array(
            [
                [landmarker.landmarks(painter.picture(vertices, turn), 0.0) for turn in VIEWS_DEGREES]
                for vertices in frames
            ],
            np.float64,
        )
    finally:
        landmarker.close()
    opening = np.full(seen.shape[:2], np.nan)
    for view in range(len(VIEWS_DEGREES)):
        found = np.isfinite(seen[:, view, 0, 0])
        if found.any():
            opening[found, view] = upright_opening(align(seen[found, view], open_basis().neutral).landmarks)
    return opening.mean(axis=1)
