# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads for `make benchmark-rigs`: ours, FLAME's topology with overlapping lips, the same unknown, an ARKit head."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from core.blender.correspond import landmark_search, store_binding
from core.blender.demo_head import create_demo_head
from core.blender.read_rig import read_rig
from core.errors import RigError
from core.face.basis import FaceBasis, open_basis
from core.face.landmarks import MOUTH_CORNER_LEFT, MOUTH_CORNER_RIGHT, SKIN_COUNT
from core.face.lids import LOWER_LIDS, UPPER_LIDS, lid_chart
from core.rig.description import LandmarkBinding, flame_binding
from core.rig.frames import fit_similarity
from core.rig.lips import edges_about_mouth, lip_vertices
from core.rig.surface import pieces
from research.assets.flame_landmarks import read_flame_template
from research.evaluation.rigs.painted import triangles_in_sight

# names a folder for landmarks that were found once
BINDINGS = "MIMESH_BENCHMARK_BINDINGS"
_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
_SPREAD_ROUNDS = 400
# how far from the landmarks the basis' expressions are felt, in centimetres
_NEAR_CM = 1.2
# how far from its corner each lip follows the skull or the jaw alone
_CORNER_CM = 0.9
# an upper lid takes nothing of a lower one's motion: how far they reach, and how near their line it changes
_EYE_CORNERS = ((33, 133), (263, 362))
_LIDS_CM, _LID_EDGE_CM = 2.0, 0.15
# how far over the eyeball a shut lid lies
_LID_CM = 0.15


def fresh_scene() -> Any:
    """An empty file at 25 frames a second."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.data.scenes[0]
    scene.render.fps, scene.render.fps_base = 25, 1.0
    return scene


def demo_head(_: Path) -> Any:
    """The bundled head."""
    return create_demo_head(fresh_scene())


def arkit_head(data: Path) -> Any:
    """ICT-FaceKit's head with its ARKit-like keys, without bones."""
    with np.load(data / "meshes" / "ict_arkit.npz") as file:
        sizes, corners = file["face_sizes"].astype(int), file["face_vertices"]
        ends = np.cumsum(sizes)
        faces = [corners[end - size : end].tolist() for end, size in zip(ends, sizes, strict=True)]
        vertices = 0.01 * file["neutral"].astype(float) @ _UP.T
        deltas = {str(n): 0.01 * d.astype(float) @ _UP.T for n, d in zip(file["names"], file["deltas"], strict=True)}
    obj = _mesh_object(fresh_scene(), "ICT", vertices, faces)
    _add_keys(obj, vertices, deltas)
    _bind(obj, "ict")
    return obj


def flame_head(data: Path, subdivided: bool = False) -> Any:
    """FLAME's template, whose lips lie four millimetres over each other, with the open basis' expressions as keys.

    FLAME's own expressions may not be kept; the basis' are carried over to it from the nearest landmarks.
    """
    surface = read_flame_template(data / "meshes" / "flame_template.ply")
    binding = flame_binding(len(surface.vertices), surface.triangles)
    if binding is None:
        raise RigError("The template is not of FLAME's topology.")
    basis = open_basis()
    vertices, triangles = 100.0 * surface.vertices.astype(float), surface.triangles
    placed = fit_similarity(basis.neutral, binding.points(vertices))
    share = _jaw_share(vertices, triangles, binding, basis.jaw_weights)
    directions = _for_these_eyes(basis, placed.undo(binding.points(vertices)))
    fields = _carried(vertices, binding, placed.scale * directions @ placed.rotation.T, share)
    fields = _over_eyeballs(vertices, triangles, fields, _blink(basis))
    if subdivided:
        vertices, triangles, fields, share = _subdivided(vertices, triangles, fields, share)
    obj = _mesh_object(fresh_scene(), "Head", 0.01 * vertices @ _UP.T, triangles.tolist())
    names = {f"Exp{index + 1}": 0.01 * field @ _UP.T for index, field in enumerate(fields)}
    _add_keys(obj, 0.01 * vertices @ _UP.T, names)
    _add_bones(obj, 0.01 * placed.apply(basis.hinge_point[None])[0] @ _UP.T, share)
    if subdivided:
        _bind(obj, "unknown")
    return obj


def unknown_head(data: Path) -> Any:
    """The same head with every triangle cut in four: landmarks must be searched."""
    return flame_head(data, subdivided=True)


def _bind(obj: Any, name: str) -> None:
    """Landmarks found on the mesh, or those another Blender found before: the tracker lives in one environment."""
    known = Path(os.environ[BINDINGS]) / f"{name}.npz" if BINDINGS in os.environ else None
    if known is not None and known.exists():
        with np.load(known) as file:
            store_binding(obj, LandmarkBinding(file["triangles"], file["barycentric"], file["valid"], name))
        return
    binding = _search(obj)
    store_binding(obj, binding)
    if known is not None:
        np.savez(known, triangles=binding.triangles, barycentric=binding.barycentric, valid=binding.valid)


def _search(obj: Any) -> LandmarkBinding:
    from core.tracking.tracker import track_image

    search = landmark_search(read_rig(obj))
    picture = next(search)
    while True:
        try:
            picture = search.send(track_image(picture))
        except StopIteration as finished:
            found: LandmarkBinding = finished.value
            return found


def _mesh_object(scene: Any, name: str, vertices: NDArray[np.float64], faces: list[list[int]]) -> Any:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices.tolist(), [], faces)
    obj = bpy.data.objects.new(name, mesh)
    scene.collection.objects.link(obj)
    return obj


def _add_keys(obj: Any, vertices: NDArray[np.float64], deltas: dict[str, NDArray[np.float64]]) -> None:
    obj.shape_key_add(name="Basis", from_mix=False)
    for name, delta in deltas.items():
        key = obj.shape_key_add(name=name, from_mix=False)
        key.data.foreach_set("co", (vertices + delta).astype(np.float32).ravel())
        key.value = 0.0


def _add_bones(obj: Any, hinge: NDArray[np.float64], share: NDArray[np.float64]) -> None:
    scene = obj.users_scene[0]
    rig: Any = bpy.data.objects.new("root", bpy.data.armatures.new("root"))
    scene.collection.objects.link(rig)
    scene.view_layers[0].objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    parent = None
    for name, head in (("neck", hinge - np.array([0, 0, 0.08])), ("jaw", hinge)):
        bone = rig.data.edit_bones.new(name)
        bone.head, bone.tail, bone.roll, bone.parent = head, head + np.array([0, 0, 0.01]), 0.0, parent
        parent = bone
    bpy.ops.object.mode_set(mode="OBJECT")
    obj.parent = rig
    modifier = obj.modifiers.new("Armature", "ARMATURE")
    modifier.object = rig
    groups = {"jaw": share, "neck": 1.0 - share}
    for name, weights in groups.items():
        group = obj.vertex_groups.new(name=name)
        for vertex in np.flatnonzero(weights > 1e-4):
            group.add([int(vertex)], float(weights[vertex]), "REPLACE")


def _jaw_share(
    vertices: NDArray[np.float64],
    triangles: NDArray[np.int32],
    binding: LandmarkBinding,
    of_basis: NDArray[np.float32],
) -> NDArray[np.float64]:
    """(V,) the basis' jaw weights from the nearest landmark; lips by the lip, the inner mouth by what it hangs on."""
    points = binding.points(vertices)
    nearest = _nearest(vertices, points[:SKIN_COUNT])
    share = of_basis[nearest].astype(float)
    edges = edges_about_mouth(vertices, triangles, points)
    upper, lower = lip_vertices(vertices, edges, points)
    # at the corners one lip becomes the other: weights that leap there tear the mouth open like a box
    corners = points[[MOUTH_CORNER_RIGHT, MOUTH_CORNER_LEFT], 0]
    apart = np.clip(np.abs(vertices[:, :1] - corners).min(axis=1) / _CORNER_CM, 0.0, 1.0)
    apart[(vertices[:, 0] < corners[0]) | (vertices[:, 0] > corners[1])] = 0.0
    share[upper], share[lower] = 0.5 - 0.5 * apart[upper], 0.5 + 0.5 * apart[lower]
    # what no one sees from the front is the inside of the mouth: it hangs on its own lip
    sighted = triangles[triangles_in_sight(vertices, triangles, points)]
    return _spread(share, edges, np.setdiff1d(edges, np.union1d(np.flatnonzero(upper | lower), sighted)))


def _for_these_eyes(basis: FaceBasis, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(50, 478, 3) the basis' directions, lids moving as much more as these eyes (478, 3) are wider than the basis'.

    FLAME's eyes are widest nearer to the temple: what shuts the basis' would leave them open there.
    """
    directions = basis.directions.astype(float)
    for upper, lower in zip(UPPER_LIDS.ravel(), LOWER_LIDS.ravel(), strict=True):
        wider = (points[upper, 1] - points[lower, 1]) / (basis.neutral[upper, 1] - basis.neutral[lower, 1])
        pair = directions[:, [upper, lower], 1]
        middle = pair.mean(axis=1, keepdims=True)
        directions[:, [upper, lower], 1] = middle + max(wider, 0.0) * (pair - middle)
    return directions


def _blink(basis: FaceBasis) -> NDArray[np.float64]:
    """(50,) components that shut the basis' eyes."""
    still = np.zeros((1, len(basis.directions)), np.float32)
    blink: NDArray[np.float32] = lid_chart(basis).closed(still, np.ones(1))[0]
    return blink.astype(np.float64)


def _over_eyeballs(
    vertices: NDArray[np.float64],
    triangles: NDArray[np.int32],
    fields: NDArray[np.float64],
    blink: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(50, V, 3) fields whose lids, shut, lie over the eyeballs and not in them; blink: (50,) what shuts them.

    The basis' lids are landmarks and know no ball: moved straight down, these would sink into it.
    """
    label = pieces(len(vertices), triangles)
    skin = label == np.bincount(label).argmax()
    out = np.zeros_like(vertices)
    shut = vertices + np.tensordot(blink, fields, axes=1)
    for piece in np.unique(label[~skin]):
        ball = vertices[label == piece]
        centre = (ball.min(axis=0) + ball.max(axis=0)) / 2
        away, radius = shut - centre, np.linalg.norm(ball - centre, axis=1).max() + _LID_CM
        length = np.linalg.norm(away, axis=1, keepdims=True)
        inside = skin & (length[:, 0] < radius) & (vertices[:, 2] > centre[2])
        out[inside] = (away * (radius / length - 1.0))[inside]
    return fields + np.multiply.outer(blink / (blink @ blink), out)


def _carried(
    vertices: NDArray[np.float64],
    binding: LandmarkBinding,
    directions: NDArray[np.float64],
    share: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(50, V, 3) the basis' directions, blended from near landmarks; lips take those of their own lip."""
    points = binding.points(vertices)[:SKIN_COUNT]
    distance = np.linalg.norm(vertices[:, None] - points[None], axis=-1)
    of_lip = share[binding.triangles[:SKIN_COUNT, 0]]
    distance = distance + 3.0 * np.abs(share[:, None] - of_lip[None]) * (distance < 2.5)
    sides, of_lids = _lid_sides(vertices, points), _lid_sides(points, points)
    # lids are narrow: what a mean over the width of a lip leaves of their motion would not shut an eye
    reach = np.exp(-((distance.min(axis=1, keepdims=True) / _NEAR_CM) ** 2))
    distance = distance * (1.0 + 4.0 * np.abs(sides[:, None]))
    distance = distance + 1.5 * np.abs(sides[:, None] - of_lids[None]) * (sides[:, None] * of_lids[None] < 0)
    weights = np.exp(-((distance / _NEAR_CM) ** 2))
    weights = reach * weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
    return np.einsum("vn,knc->kvc", weights, directions[:, :SKIN_COUNT])


def _lid_sides(at: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) 1 on an upper lid, -1 on a lower one, less where it ends; zero away from the eyes."""
    sides = np.zeros(len(at))
    for outer, inner in _EYE_CORNERS:
        middle, along = (points[outer] + points[inner]) / 2, points[inner] - points[outer]
        line = points[outer, 1] + (at[:, 0] - points[outer, 0]) * along[1] / along[0]
        near = np.linalg.norm(at - middle, axis=1) < _LIDS_CM
        sides[near] = np.clip((at[near, 1] - line[near]) / _LID_EDGE_CM, -1.0, 1.0)
    return sides


def _nearest(vertices: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.linalg.norm(vertices[:, None] - points[None], axis=-1).argmin(axis=1)


def _spread(share: NDArray[np.float64], edges: NDArray[np.int64], free: NDArray[np.int64]) -> NDArray[np.float64]:
    """Means of the neighbours, over and over, where ``free``."""
    both = np.concatenate([edges, edges[:, ::-1]])
    count = np.maximum(np.bincount(both[:, 0], minlength=len(share)), 1)
    spread = share.copy()
    for _ in range(_SPREAD_ROUNDS):
        spread[free] = (np.bincount(both[:, 0], spread[both[:, 1]], len(share)) / count)[free]
    return spread


def _subdivided(
    vertices: NDArray[np.float64],
    triangles: NDArray[np.int32],
    fields: NDArray[np.float64],
    share: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
    """Every triangle cut in four at its edges' middles; values between two vertices are their mean."""
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, index = np.unique(edges, axis=0, return_inverse=True)
    middle = len(vertices) + index.reshape(-1, 3)
    a, b, c = triangles.T
    ab, bc, ca = middle.T
    cut = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    quarter = np.concatenate([np.stack(corner, axis=1) for corner in cut]).astype(np.int32)

    def more(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        ends = np.take(values, unique, axis=axis).mean(axis=axis + 1)
        return np.concatenate([values, ends], axis=axis)

    return more(vertices, 0), quarter, more(fields, 1), more(share, 0)
