# SPDX-License-Identifier: GPL-3.0-or-later
"""The armature that carries a face, its bones at rest, and what each of them moves. Main thread only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ..rig.description import BoneDescription
from ..rig.names import BoneLink, FaceBones, resolve_bones

# constraints by which a bone does what another one does
_FOLLOWS = {"COPY_TRANSFORMS", "COPY_ROTATION"}
_MOSTLY = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Vertices and weights of one vertex group."""

    vertices: NDArray[np.int64]
    values: NDArray[np.float64]


def find_armature(obj: bpy.types.Object) -> bpy.types.Object | None:
    """Of the armatures that move the mesh (modifiers, the chain of parents) the one that has a face."""
    candidates = _candidates(obj)
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    return max(candidates, key=lambda armature: _likeness(obj, armature))


def read_bones(armature: bpy.types.Object | None) -> tuple[BoneDescription, ...]:
    """Every bone at rest, in the armature's space."""
    if armature is None:
        return ()
    return tuple(
        BoneDescription(
            name=bone.name,
            parent=bone.parent.name if bone.parent is not None else None,
            rest_matrix=np.array(bone.matrix_local, np.float64),
            rotation_mode=armature.pose.bones[bone.name].rotation_mode,
            inherits_rotation=bool(bone.use_inherit_rotation),
        )
        for bone in armature.data.bones
    )


def face_bones(
    armature: bpy.types.Object | None, groups: Mapping[str, Weights], by_hand: Mapping[str, str]
) -> FaceBones:
    """The bones that we key. One that only copies a control is not keyed, the control is (Rigify's ``DEF-jaw``)."""
    if armature is None:
        return FaceBones()
    links = [
        BoneLink(
            bone.name,
            bone.parent.name if bone.parent is not None else None,
            float(groups[bone.name].values.sum()) if bone.use_deform and bone.name in groups else 0.0,
        )
        for bone in armature.data.bones
    ]
    found, follows = resolve_bones(links, by_hand), _followed(armature)

    def control(role: str, name: str | None) -> str | None:
        return name if name is None or role in by_hand else _control_of(name, follows)

    return replace(
        found,
        neck=control("neck", found.neck),
        head=control("head", found.head),
        jaw=control("jaw", found.jaw),
        left_eye=control("left_eye", found.left_eye),
        right_eye=control("right_eye", found.right_eye),
    )


def share_of_bone(
    obj: bpy.types.Object, armature: bpy.types.Object | None, groups: Mapping[str, Weights], name: str | None
) -> NDArray[np.float32]:
    """(V,) share of all deforming bones' weight that a bone holds with all that it moves."""
    count = len(obj.data.vertices)
    if armature is None or name is None:
        return np.zeros(count, np.float32)
    family = _moved_by(armature, name)
    if obj.parent_type == "BONE" and obj.parent == armature and not _is_deformed_by(obj, armature):
        return np.full(count, float(obj.parent_bone in family), np.float32)
    if not _is_deformed_by(obj, armature):
        return np.zeros(count, np.float32)
    total, of_bone = np.zeros(count), np.zeros(count)
    for bone in armature.data.bones:
        weights = groups.get(bone.name)
        if not bone.use_deform or weights is None:
            continue
        total[weights.vertices] += weights.values
        if bone.name in family:
            of_bone[weights.vertices] += weights.values
    shares: NDArray[np.float32] = np.divide(of_bone, total, out=np.zeros(count), where=total > 0).astype(np.float32)
    return shares


def group_weights(obj: bpy.types.Object) -> dict[str, Weights]:
    """Every vertex group of the mesh, read in one pass."""
    # one flat list: an object with 27,000 vertices is read in a tenth of a second
    flat = [(vertex.index, element.group, element.weight) for vertex in obj.data.vertices for element in vertex.groups]
    table = np.array(flat, np.float64).reshape(-1, 3)
    order = np.argsort(table[:, 1], kind="stable")
    table = table[order]
    found: dict[str, Weights] = {}
    for group in obj.vertex_groups:
        first, last = np.searchsorted(table[:, 1], (group.index, group.index + 1))
        found[group.name] = Weights(table[first:last, 0].astype(np.int64), table[first:last, 2])
    return found


def object_to_armature(obj: bpy.types.Object, armature: bpy.types.Object | None) -> NDArray[np.float64]:
    """(4, 4) with the armature at rest: a mesh on a turned bone lies where the bone at rest would put it."""
    if armature is None:
        return np.eye(4)
    # world matrices of objects just made or moved by a script are stale until the next evaluation
    bpy.context.view_layer.update()
    chain, below = Matrix.Identity(4), obj
    while below is not None and below != armature:
        parent = below.parent
        if parent is None:
            return np.array(armature.matrix_world.inverted() @ obj.matrix_world, np.float64)
        chain = _joint(below, parent) @ below.matrix_parent_inverse @ below.matrix_basis @ chain
        below = parent
    return np.array(chain, np.float64)


def _joint(child: bpy.types.Object, parent: bpy.types.Object) -> Matrix:
    """Where a child hangs in its parent's space, a bone at rest."""
    if child.parent_type != "BONE" or parent.type != "ARMATURE" or child.parent_bone not in parent.data.bones:
        return Matrix.Identity(4)
    bone: Any = parent.data.bones[child.parent_bone]
    if bone.use_relative_parent:
        return Matrix.Identity(4)
    return bone.matrix_local @ Matrix.Translation((0.0, bone.length, 0.0))


def _candidates(obj: bpy.types.Object) -> list[bpy.types.Object]:
    modifiers: list[Any] = [modifier for modifier in obj.modifiers if modifier.type == "ARMATURE"]
    found = [modifier.object for modifier in modifiers if modifier.object is not None]
    parent = obj.parent
    while parent is not None:
        if parent.type == "ARMATURE":
            found.append(parent)
        parent = parent.parent
    return list(dict.fromkeys(found))


def _likeness(obj: bpy.types.Object, armature: bpy.types.Object) -> tuple[int, int]:
    """How much of a face an armature has: face bones first, then bones that the mesh's groups name."""
    links = [BoneLink(b.name, b.parent.name if b.parent is not None else None) for b in armature.data.bones]
    bones = resolve_bones(links)
    known = sum(name is not None for name in (bones.jaw, bones.head, bones.neck, bones.left_eye, bones.right_eye))
    return known, sum(group.name in armature.data.bones for group in obj.vertex_groups)


def _followed(armature: bpy.types.Object) -> dict[str, str]:
    """Bone to the bone that it copies."""
    return {
        bone.name: constraint.subtarget
        for bone in armature.pose.bones
        for constraint in bone.constraints
        if constraint.type in _FOLLOWS
        and constraint.enabled
        and constraint.influence > _MOSTLY
        and constraint.target == armature
        and constraint.subtarget in armature.pose.bones
    }


def _control_of(name: str, follows: Mapping[str, str]) -> str:
    seen = {name}
    while (above := follows.get(name)) is not None and above not in seen:
        name = above
        seen.add(name)
    return name


def _moved_by(armature: bpy.types.Object, name: str) -> set[str]:
    """The bone, all below it, and all that copy one of these."""
    follows, family = _followed(armature), {name}
    while True:
        grown = family | {
            bone.name
            for bone in armature.data.bones
            if (bone.parent is not None and bone.parent.name in family) or follows.get(bone.name) in family
        }
        if grown == family:
            return family
        family = grown


def _is_deformed_by(obj: bpy.types.Object, armature: bpy.types.Object) -> bool:
    modifiers: list[Any] = [modifier for modifier in obj.modifiers if modifier.type == "ARMATURE"]
    return obj.parent_type == "ARMATURE" or any(m.object == armature and m.use_vertex_groups for m in modifiers)
