# SPDX-License-Identifier: GPL-3.0-or-later
"""FLAME's real topology in Blender, from the bundled correspondence to evaluated lips. Needs ../shared/data."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from core.blender.apply import apply_plan
from core.blender.correspond import landmark_search
from core.blender.read_animation import read_existing
from core.blender.read_rig import read_rig
from core.face.basis import FaceBasis, open_basis
from core.face.landmarks import LIPS, SKIN_COUNT
from core.face.motion import Motion
from core.rig.face import lip_gaps
from core.rig.lips import edges_about_mouth, lip_vertices
from core.rig.plan import ApplySettings, plan_curves
from core.rig.solve import prepare_solver
from core.rig.timing import SceneTiming
from research.assets.flame_landmarks import read_flame_template
from research.evaluation.rigs.visible import ray_judge
from tests.blender import builders
from tests.face_fixtures import SyntheticFace

pytestmark = pytest.mark.slow

FRAMES = 75


@pytest.fixture
def flame_rig(shared_data: Path) -> bpy.types.Object:
    """The template in metres, Z up, with FLAME's names and bones; keys are smooth bumps of our own."""
    surface = read_flame_template(shared_data / "meshes" / "flame_template.ply")
    # the builder thinks in centimetres; FLAME's origin lies a little lower than the open basis'
    vertices = 100 * surface.vertices.astype(float)
    face = SyntheticFace(vertices, surface.triangles, open_basis())
    obj = builders.build_rig(face)
    share = jaw_share_of(obj, vertices)
    for vertex, weight in enumerate(share):
        obj.vertex_groups["jaw"].add([vertex], float(weight), "REPLACE")
        obj.vertex_groups["neck"].add([vertex], float(1 - weight), "REPLACE")
    add_mouth_keys(obj, vertices, share > 0.5)
    return obj


def jaw_share_of(obj: bpy.types.Object, vertices: np.ndarray) -> np.ndarray:
    """(V,) the open basis' jaw weights, carried over from the nearest landmark; the lips part exactly."""
    binding = read_rig(obj).binding
    assert binding is not None
    landmarks = binding.points(vertices)[:SKIN_COUNT]
    distance = np.linalg.norm(vertices[:, None] - landmarks[None], axis=-1)
    share = open_basis().jaw_weights[distance.argmin(axis=1)].astype(float)
    # the lips lie over each other at rest: which is which is told along the surface, not by what is near
    points = binding.points(vertices)
    edges = edges_about_mouth(vertices, read_rig(obj).triangles, points)
    upper, lower = lip_vertices(vertices, edges, points)
    share[upper], share[lower] = 0.0, 1.0
    inside = np.setdiff1d(edges, np.nonzero(upper | lower)[0])
    inside = inside[vertices[inside, 2] < points[LIPS, 2].min()]
    return spread(share, edges, inside)


def spread(share: np.ndarray, edges: np.ndarray, free: np.ndarray) -> np.ndarray:
    """The inner mouth goes along with the lip that it hangs on: neighbours' means, over and over."""
    both = np.concatenate([edges, edges[:, ::-1]])
    count = np.bincount(both[:, 0], minlength=len(share))
    share = share.copy()
    for _ in range(300):
        share[free] = (np.bincount(both[:, 0], share[both[:, 1]], len(share)) / np.maximum(count, 1))[free]
    return share


def add_mouth_keys(obj: bpy.types.Object, vertices: np.ndarray, lower: np.ndarray) -> None:
    """Narrow bumps around the mouth, upper and lower lip apart, so that the keys can shape lips."""
    binding = read_rig(obj).binding
    assert binding is not None
    lips = binding.points(vertices)[LIPS]
    fields = np.empty((40, *vertices.shape))
    rng = np.random.default_rng(8)
    for index in range(len(fields)):
        centre = lips[rng.integers(len(lips))]
        falloff = np.exp(-((vertices - centre) ** 2).sum(axis=1) / 1.5**2) * (lower if index % 2 else ~lower)
        fields[index] = falloff[:, None] * rng.normal(0, 0.4, 3)
    keys = obj.data.shape_keys
    base = np.array([point.co for point in keys.reference_key.data])
    for index, field in enumerate(fields @ (0.01 * builders.FLAME_IN_BLENDER).T):
        keys.key_blocks[f"Exp{index + 1}"].data.foreach_set("co", (base + field).ravel().astype(np.float32))


def speaking(basis: FaceBasis) -> Motion:
    """A jaw that opens and shuts thrice a second, with the strongest expression components."""
    t = np.arange(FRAMES) / 25.0
    expression = np.zeros((FRAMES, 50), np.float32)
    expression[:, :4] = 0.7 * np.sin(2 * np.pi * t[:, None] * [0.9, 1.3, 1.7, 2.1])
    turn = np.zeros((FRAMES, 3), np.float32)
    turn[:, 0] = 0.08 * np.clip(1 - np.cos(2 * np.pi * 3 * t) - 0.4, 0, None)
    still = np.zeros((FRAMES, 3), np.float32)
    return Motion(25.0, expression, turn, still, np.zeros((FRAMES, 2, 2), np.float32), basis.name, basis.hash)


def test_flame_mesh_is_known_and_its_lips_follow_the_motion(flame_rig: bpy.types.Object) -> None:
    basis = open_basis()
    rig = read_rig(flame_rig)
    assert rig.binding is not None
    assert "FLAME template" in rig.binding.source
    motion = speaking(basis)
    plan = plan_curves(
        rig,
        prepare_solver(rig, basis).solve(motion),
        SceneTiming(25.0, 1.0),
        ApplySettings(),
        read_existing(flame_rig),
        "{}",
    )
    apply_plan(plan, flame_rig)
    judge = ray_judge(rig.triangles, rig.binding, len(rig.vertices))
    opening = []
    for frame in range(FRAMES):
        bpy.context.scene.frame_set(1 + frame)
        # Blender's metres and axes (Z up, face to -Y) to face axes and centimetres
        opening.append(judge.opening(100 * builders.evaluated_vertices(flame_rig) @ builders.FLAME_IN_BLENDER))
    # upright: where this made motion crosses the lips their distance is no opening
    seen, wanted = np.array(opening), lip_gaps(basis.landmarks(motion))[:, 3:6].mean(axis=1)
    # its lips rest four millimetres over each other: that the landmarks part says nothing
    assert np.corrcoef(seen, np.maximum(wanted, 0))[0, 1] > 0.97
    assert (seen[wanted > 0.3] > 0.03).mean() >= 0.95
    shut = wanted < 0.08
    assert shut.any()
    assert (seen[shut] < 0.015).mean() >= 0.95


def test_search_asks_for_pictures_without_touching_the_scene(flame_rig: bpy.types.Object) -> None:
    before = builders.snapshot()
    search = landmark_search(read_rig(flame_rig))
    picture = next(search)
    search.close()
    assert (picture.shape, picture.dtype) == ((768, 768, 3), np.uint8)
    # the keys move the mouth: that is where the search looks first, and it sees skin there
    assert picture[300:468, 300:468].std() > 1
    assert builders.snapshot() == before
