# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the bundled demo head in a scene: mesh, fifty expression keys, FLAME-like bones, plain materials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..face.landmarks import LANDMARK_COUNT
from ..rig.description import LandmarkBinding
from ..weights import bundled, read_tensors
from .correspond import store_binding
from .flame_bones import add_flame_bones
from .read_rig import BASIS_PROPERTY

DEMO_HEAD_FILE = "demo_head.safetensors"
MESH_NAME = "MimeshHead"
RIG_NAME = "MimeshHeadRig"
COLOUR_LAYER = "Colour"
_CENTIMETRES_PER_METRE = 100.0
# jaw and eyes are on the neck, as in FLAME
_PARENTS = {"root": "", "neck": "root"}
# the hard limit of Blender's own slider is 10; a unit is one standard deviation of the training people
_SLIDER_REACH = 5.0
_ROUGHNESS = {
    "eye_white": 0.15, "iris": 0.1, "pupil": 0.05, "teeth": 0.25, "tongue": 0.35, "lips": 0.4,
    "hair": 0.6, "shirt": 0.95,
}  # fmt: skip
# lighter than the paint (2.2): Solid mode's own lamps leave skin brown
_SOLID_GAMMA, _SOLID_GAMMAS = 1.5, {"hair": 2.4}
# cloth and hair throw back less than skin; the default is 0.5
_SPECULAR = {"shirt": 0.1, "hair": 0.25}
# light wanders in flesh: how much of it, and how far, red the furthest
_FLESH, _FLESH_SHARE, _FLESH_METRES = ("skin", "lips", "tongue"), 0.25, 0.006
_FLESH_COLOURS = (1.0, 0.35, 0.2)


@dataclass(frozen=True, slots=True, eq=False)
class DemoHead:
    """The bundled head as arrays, in Blender's metres and axes (Z up, face towards -Y).

    vertices: (V, 3). faces: (F, 4), -1 last for a triangle. materials: (F,) index into material_names.
    colours: (V, 3) sRGB 0..1. weights: (V, B) of bone_names. deltas: (50, len(moving), 3) of the vertices
    ``moving``; the others never move with a key. joints: (B, 3) where each bone begins.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    materials: NDArray[np.uint8]
    material_names: tuple[str, ...]
    colours: NDArray[np.float32]
    weights: NDArray[np.float32]
    bone_names: tuple[str, ...]
    moving: NDArray[np.int32]
    deltas: NDArray[np.float32]
    joints: NDArray[np.float32]
    binding: LandmarkBinding
    basis_hash: str


def load_demo_head() -> DemoHead:
    """Read the bundled file. Raises :class:`ModelError` when it is missing or damaged."""
    file = read_tensors(bundled(DEMO_HEAD_FILE))
    tensors = file.tensors
    levels = tensors["delta_levels"].astype(np.float32) - 128.0
    corner = np.zeros((LANDMARK_COUNT, 3), np.float32)
    corner[:, 0] = 1.0
    return DemoHead(
        vertices=_to_blender(tensors["vertices"]),
        faces=tensors["faces"].astype(np.int32),
        materials=tensors["materials"].astype(np.uint8),
        material_names=tuple(file.metadata["materials"].split()),
        colours=tensors["colours"].astype(np.float32) / 255.0,
        weights=tensors["weights"].astype(np.float32),
        bone_names=tuple(file.metadata["bones"].split()),
        moving=tensors["moving"].astype(np.int32),
        deltas=_to_blender(levels * tensors["delta_steps"][:, None, None]),
        joints=_to_blender(tensors["joints"]),
        binding=LandmarkBinding(
            triangles=tensors["landmark_triangles"].astype(np.int32),
            barycentric=corner,
            valid=np.ones(LANDMARK_COUNT, bool),
            source="bundled with the demo head",
        ),
        basis_hash=file.metadata["basis_hash"],
    )


def create_demo_head(scene: bpy.types.Scene) -> bpy.types.Object:
    """Add the head and its armature to the scene; returns the mesh object."""
    head = load_demo_head()
    parents = [_PARENTS.get(name, "neck") for name in head.bone_names]
    rig = add_flame_bones(scene, RIG_NAME, head.bone_names, parents, head.joints)
    mesh = _create_mesh(head)
    obj = bpy.data.objects.new(MESH_NAME, mesh)
    scene.collection.objects.link(obj)
    _add_keys(obj, head)
    _add_weights(obj, head)
    obj.parent = rig
    modifier: bpy.types.ArmatureModifier = obj.modifiers.new("Armature", "ARMATURE")  # type: ignore[assignment]
    modifier.object = rig
    obj[BASIS_PROPERTY] = head.basis_hash
    store_binding(obj, head.binding)
    return obj


def _to_blender(basis_points: NDArray[np.generic]) -> NDArray[np.float32]:
    """(..., 3) centimetres, y up, z to the viewer, to metres, Z up, face towards -Y."""
    points = np.asarray(basis_points, np.float32) / _CENTIMETRES_PER_METRE
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def _create_mesh(head: DemoHead) -> bpy.types.Mesh:
    mesh = bpy.data.meshes.new(MESH_NAME)
    corners = (head.faces >= 0).sum(axis=1).astype(np.int32)
    mesh.vertices.add(len(head.vertices))
    mesh.vertices.foreach_set("co", head.vertices.ravel())
    mesh.loops.add(int(corners.sum()))
    mesh.loops.foreach_set("vertex_index", head.faces[head.faces >= 0])
    mesh.polygons.add(len(corners))
    mesh.polygons.foreach_set("loop_start", np.concatenate([[0], np.cumsum(corners)[:-1]]).astype(np.int32))
    for name in head.material_names:
        mesh.materials.append(_material(name, _mean_colour(head, name)))
    mesh.polygons.foreach_set("material_index", head.materials.astype(np.int32))
    mesh.update(calc_edges=True)
    mesh.polygons.foreach_set("use_smooth", np.ones(len(corners), bool))
    layer: Any = mesh.color_attributes.new(COLOUR_LAYER, "BYTE_COLOR", "POINT")
    rgba = np.concatenate([head.colours, np.ones((len(head.colours), 1), np.float32)], axis=1)
    layer.data.foreach_set("color_srgb", rgba.ravel())
    mesh.color_attributes.active_color = layer
    return mesh


def _mean_colour(head: DemoHead, name: str) -> NDArray[np.float32]:
    faces = head.faces[head.materials == head.material_names.index(name)]
    return head.colours[faces[:, :3]].mean(axis=(0, 1))


def _material(name: str, srgb: NDArray[np.float32]) -> bpy.types.Material:
    """Viewport colour for Solid mode, the vertex colours through a Principled shader for renders."""
    material = bpy.data.materials.new(f"Mimesh {name.replace('_', ' ')}")
    roughness = _ROUGHNESS.get(name, 0.55)
    gamma = _SOLID_GAMMAS.get(name, _SOLID_GAMMA)
    material.diffuse_color = (*(float(value) ** gamma for value in srgb), 1.0)
    material.roughness = roughness
    if material.node_tree is None:
        # materials are born with nodes since 5.0
        material.use_nodes = True
    nodes = material.node_tree.nodes
    shader = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    colour = nodes.new("ShaderNodeVertexColor")
    colour.layer_name = COLOUR_LAYER
    material.node_tree.links.new(colour.outputs["Color"], shader.inputs["Base Color"])
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Specular IOR Level"].default_value = _SPECULAR.get(name, 0.5)
    if name in _FLESH:
        shader.inputs["Subsurface Weight"].default_value = _FLESH_SHARE
        shader.inputs["Subsurface Radius"].default_value = _FLESH_COLOURS
        shader.inputs["Subsurface Scale"].default_value = _FLESH_METRES
    return material


def _add_keys(obj: bpy.types.Object, head: DemoHead) -> None:
    obj.shape_key_add(name="Basis", from_mix=False)
    for index, delta in enumerate(head.deltas):
        key = obj.shape_key_add(name=f"Exp{index + 1}", from_mix=False)
        shape = head.vertices.copy()
        shape[head.moving] += delta
        key.points.foreach_set("co", shape.ravel())
        # 5.0 and later make new keys with value 1
        key.value = 0.0
        key.slider_min, key.slider_max = -_SLIDER_REACH, _SLIDER_REACH


def _add_weights(obj: bpy.types.Object, head: DemoHead) -> None:
    for bone, weights in zip(head.bone_names, head.weights.T, strict=True):
        group = obj.vertex_groups.new(name=bone)
        rounded = np.round(weights, 4)
        # one call per distinct weight: most vertices share 0 and 1
        for value in np.unique(rounded[rounded > 0]):
            group.add(np.where(rounded == value)[0].tolist(), float(value), "REPLACE")
