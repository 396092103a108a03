# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmark correspondence: the picture, the triangle under each pixel, and landmarks back on the mesh.

A made-up tracker that knows the true landmarks stands in for MediaPipe, so that the answer can be checked;
with the real data and tracker at hand, real heads are searched as well.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from core.errors import RigError
from core.face.landmarks import LANDMARK_COUNT, SKIN_COUNT
from core.rig import correspond
from core.rig.correspond import LIP_PAIRS, FaceSurface, find_landmarks
from core.rig.description import FLAME_BINDING_FILE, FLAME_VERTICES, LandmarkBinding, flame_binding
from core.rig.face import lip_gaps
from core.rig.raster import View, draw
from core.rig.surface import nearest_points, pieces
from core.weights import bundled

pytestmark = pytest.mark.slow

FLAME_IN_BLENDER = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def sheet(columns: int = 61, rows: int = 61, slit: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """A face-sized, forward-bulging sheet in cm with a nose, cut (but shut) along a mouth line."""
    x, y = np.meshgrid(np.linspace(-8, 8, columns), np.linspace(-10, 10, rows))
    z = 4 - 0.06 * x**2 - 0.02 * y**2 + 2.5 * np.exp(-(x**2 + y**2) / 2)
    vertices = np.stack([x, y, z], -1).reshape(-1, 3)
    index = np.arange(columns * rows).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    if slit:
        mouth = rows // 4
        inside = np.abs(x[mouth]) < 2.7
        twin = np.full(columns * rows, -1)
        twin[index[mouth, inside]] = len(vertices) + np.arange(inside.sum())
        above = vertices[triangles].mean(axis=1)[:, 1] > y[mouth, 0]
        vertices = np.concatenate([vertices, vertices[index[mouth, inside]]])
        doubled = twin[triangles]
        triangles = np.where(above[:, None] & (doubled >= 0), doubled, triangles)
    return vertices, triangles.astype(np.int32)


def true_landmarks() -> np.ndarray:
    """(478, 3) on the sheet: scattered, with the nose tip in the middle and lips either side of the slit."""
    rng = np.random.default_rng(2)
    points = np.stack([rng.uniform(-5, 5, LANDMARK_COUNT), rng.uniform(-7, 7, LANDMARK_COUNT)], -1)
    points[1] = 0.0
    mouth = np.linspace(-10, 10, 61)[15]
    for row, (upper, lower) in enumerate(LIP_PAIRS):
        across = -2.0 + 0.5 * row
        points[upper], points[lower] = (across, mouth + 0.05), (across, mouth - 0.05)
    for row, (upper, lower) in enumerate(correspond._OUTER_PAIRS):
        across = -2.0 + 0.5 * row
        points[upper], points[lower] = (across, mouth + 0.8), (across, mouth - 0.8)
    x, y = points.T
    return np.stack([x, y, 4 - 0.06 * x**2 - 0.02 * y**2 + 2.5 * np.exp(-(x**2 + y**2) / 2)], -1)


class KnowingTracker:
    """Sees the true landmarks whenever it is shown the face from in front; two pixels off at the lips."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, points: np.ndarray, front: np.ndarray) -> None:
        self.points, self.front, self.views, self.pictures = points, front, [], 0
        original = correspond.draw

        def remember(vertices, triangles, colours, view):  # type: ignore[no-untyped-def]
            self.views.append(view)
            return original(vertices, triangles, colours, view)

        monkeypatch.setattr(correspond, "draw", remember)

    def __call__(self, rgb: np.ndarray) -> np.ndarray | None:
        self.pictures += 1
        view: View = self.views[-1]
        if view.axes[2] @ self.front < 0.9:
            return None
        seen = view.project(self.points)
        seen[LIP_PAIRS[:, 0], 1] += 2
        return seen.astype(np.float32)


@pytest.mark.parametrize("place", [np.eye(3), 0.01 * FLAME_IN_BLENDER], ids=["Y up, cm", "Z up, m"])
def test_landmarks_are_found_in_any_axes_and_size(monkeypatch: pytest.MonkeyPatch, place: np.ndarray) -> None:
    vertices, triangles = sheet()
    points = true_landmarks()
    front = place @ [0, 0, 1] / np.linalg.norm(place @ [0, 0, 1])
    tracker = KnowingTracker(monkeypatch, points @ place.T, front)
    surface = FaceSurface("Sheet", vertices @ place.T, triangles, np.zeros(len(vertices), bool))
    binding = find_landmarks(surface, tracker)
    assert binding.valid.all()
    assert binding.fits(len(vertices), triangles)
    found = np.linalg.solve(place, binding.points(surface.vertices).T).T
    error = np.linalg.norm(found - points, axis=1)
    lips = LIP_PAIRS.ravel()
    # a pixel is 0.4 mm; lips are moved to the slit
    assert np.delete(error, lips).max() < 0.06
    assert error[lips].max() < 0.15


def test_inner_lips_are_bound_to_their_own_lip(monkeypatch: pytest.MonkeyPatch) -> None:
    vertices, triangles = sheet()
    tracker = KnowingTracker(monkeypatch, true_landmarks(), np.array([0.0, 0, 1]))
    binding = find_landmarks(FaceSurface("Sheet", vertices, triangles, np.zeros(len(vertices), bool)), tracker)
    opened = vertices.copy()
    mouth = np.linspace(-10, 10, 61)[15]
    below = vertices[:, 1] < mouth - 1e-6
    below[61 * 15 : 61 * 16] = True
    opened[below, 1] -= 1.0
    moved = binding.points(opened)[LIP_PAIRS] - binding.points(vertices)[LIP_PAIRS]
    assert np.abs(moved[:, 0, 1]).max() < 1e-6
    np.testing.assert_allclose(moved[:, 1, 1], -1.0, atol=1e-6)


def test_mesh_without_a_face_is_refused_by_name() -> None:
    vertices, triangles = sheet()
    seen = []
    with pytest.raises(RigError, match='No face was recognised on the mesh "Crate"'):
        find_landmarks(FaceSurface("Crate", vertices, triangles, np.zeros(len(vertices), bool)), seen.append)
    assert len(seen) == 6


def test_picture_shows_the_nearest_triangle_and_follows_the_projection() -> None:
    near, far = [[-1, -1, 1], [1, -1, 1], [0, 1, 1]], [[-2, -2, 0], [2, -2, 0], [0, 2, 0]]
    vertices, triangles = np.array(near + far, float), np.array([[3, 4, 5], [0, 1, 2]], np.int32)
    view = View(np.eye(3), np.zeros(3), 5.0, 100)
    picture = draw(vertices, triangles, np.ones((6, 3)), view)
    x, y, _ = view.project(np.array([0.0, 0.0, 1.0]))
    assert picture.triangle[int(y), int(x)] == 1
    x, y, _ = view.project(np.array([0.0, -1.5, 0.0]))
    assert picture.triangle[int(y), int(x)] == 0
    assert picture.triangle[0, 0] == -1
    area = (picture.triangle >= 0).mean() * 25
    assert area == pytest.approx(8.0, rel=0.02)


def test_nearest_points_equal_brute_force() -> None:
    rng = np.random.default_rng(0)
    vertices, triangles = sheet(slit=False)
    points = rng.uniform(-7, 7, (40, 3))
    found = nearest_points(points, vertices, triangles)
    places = np.einsum("nc,ncd->nd", found.barycentric, vertices[found.triangles])
    weights = rng.dirichlet([0.5] * 3, 400)
    dense = np.einsum("sc,fcd->sfd", weights, vertices[triangles]).reshape(-1, 3)
    brute = np.array([np.linalg.norm(dense - point, axis=1).min() for point in points])
    ours = np.linalg.norm(places - points, axis=1)
    assert (ours <= brute + 1e-9).all()
    np.testing.assert_allclose(ours, brute, atol=0.05)


def test_pieces_are_told_apart() -> None:
    triangles = np.array([[0, 1, 2], [2, 1, 3], [4, 5, 6], [6, 5, 7]], np.int32)
    np.testing.assert_array_equal(pieces(8, triangles), [0, 0, 0, 0, 4, 4, 4, 4])


def test_bundled_flame_binding_is_complete_and_only_for_flame() -> None:
    binding = LandmarkBinding.load(bundled(FLAME_BINDING_FILE))
    assert binding.valid.all()
    np.testing.assert_allclose(binding.barycentric.sum(axis=1), 1.0, atol=1e-5)
    assert flame_binding(4, np.array([[0, 1, 2]], np.int32)) is None
    scrambled = np.random.default_rng(0).integers(0, FLAME_VERTICES, (9976, 3)).astype(np.int32)
    assert flame_binding(FLAME_VERTICES, scrambled) is None


def test_bundled_flame_binding_lies_on_the_template_as_a_face(shared_data: Path) -> None:
    from research.assets.flame_landmarks import read_flame_template

    surface = read_flame_template(shared_data / "meshes" / "flame_template.ply")
    binding = flame_binding(len(surface.vertices), surface.triangles)
    assert binding is not None
    points = 100 * binding.points(surface.vertices)
    assert 8.0 < points[263, 0] - points[33, 0] < 10.5
    # on the lips' crests, which lie up to four millimetres over each other on this template
    gaps = lip_gaps(points)
    assert gaps.max() < 0.05
    assert gaps.min() > -0.45
    assert points[10, 1] > points[1, 1] > points[13, 1] > points[152, 1]
    left, right = points[[263, 291, 454]], points[[33, 61, 234]]
    np.testing.assert_allclose(left * [-1, 1, 1], right, atol=0.6)


def test_real_tracker_finds_the_arkit_head(shared_data: Path) -> None:
    if importlib.util.find_spec("mediapipe") is None:
        pytest.skip("the face tracker is not installed in this Python")
    from core.tracking.tracker import track_image

    with np.load(shared_data / "meshes" / "ict_arkit.npz") as data:
        vertices, corners = data["neutral"].astype(float), data["face_vertices"]
        sizes = data["face_sizes"].astype(int)
        lower = data["deltas"][[str(n) for n in data["names"]].index("jawOpen")].astype(float)
    starts = np.cumsum(sizes) - sizes
    fans = [corners[starts[:, None] + [0, 1, 2]], corners[starts[sizes == 4][:, None] + [0, 2, 3]]]
    triangles = np.concatenate(fans).astype(np.int32)
    binding = find_landmarks(FaceSurface("ICT", vertices, triangles, np.zeros(len(vertices), bool)), track_image)
    assert binding.valid.all()
    moved = np.linalg.norm(binding.points(lower), axis=1)
    assert moved[LIP_PAIRS[1:-1, 0]].max() < 0.25 * moved[LIP_PAIRS[1:-1, 1]].min()
    assert moved[152] > 1.0
    assert moved[:SKIN_COUNT].min() < 0.01
