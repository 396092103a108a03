# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a mesh object and its armature into a :class:`RigDescription`. Changes nothing. Main thread only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import bpy
import numpy as np
from numpy.typing import NDArray

from ..errors import RigError
from ..rig.conventions.base import KeyMatch, RigConvention
from ..rig.conventions.by_shape import BY_SHAPE, match_by_shape
from ..rig.conventions.registry import match_keys
from ..rig.curves import key_path
from ..rig.description import FacePart, KeyControl, LandmarkBinding, RigDescription
from ..rig.names import FaceBones
from .armature import Weights, face_bones, find_armature, group_weights, object_to_armature, read_bones, share_of_bone
from .before import bone_values, key_values, without_animation
from .controls import control_values, find_controls
from .correspond import load_binding
from .damage import require_points, whole_keys
from .editable import require_editable
from .hindrances import find_hindrances, first_armature_is_passed_over
from .parts import driven_by, find_parts, relatives, shared_keys
from .read_animation import read_datablock
from .read_mesh import key_delta, key_deltas, neutral_vertices, read_triangles
from .rig_choice import chosen_bones, chosen_keys

# object property that names the face basis whose components the keys are (the bundled demo head has it)
BASIS_PROPERTY = "mimesh_basis"
_STILL = 1e-7
# what ARKit's keys beside the mouth begin with
_UPPER_FACE = ("eye", "brow", "cheekSquint", "nose")


class _LeftOut(NamedTuple):
    """Expression keys that are not keyed: under drivers, and damaged ones."""

    driven: tuple[str, ...]
    damaged: tuple[str, ...]


def read_rig(obj: bpy.types.Object | None, searching: bool = False) -> RigDescription:
    """The rig as arrays. Raises :class:`RigError` with one sentence when it cannot be used.

    searching: for a search of the face's landmarks any keys will do, since they only show where the face is.
    """
    obj = require_mesh(obj)
    armature = find_armature(obj)
    require_editable(obj, armature)
    if armature is not None and armature.pose is None:
        # a script has just made it
        bpy.context.view_layer.update()
    keys = _require_keys(obj)
    groups = group_weights(obj)
    triangles = read_triangles(obj.data)
    binding = load_binding(obj, triangles)
    match = _match(obj, keys, groups, binding, searching)
    bones = face_bones(armature, groups, chosen_bones(obj, armature))
    if bones.jaw is None:
        match = _with_a_living_mouth(obj, keys, match)
    named = (bones.jaw, bones.head, bones.neck, bones.left_eye, bones.right_eye)
    looking = _gaze_without_bones(match, bones)
    controls = find_controls(
        obj, armature, (*match.names, *looking), match.signed, [name for name in named if name is not None]
    )
    driven = driven_by(obj) - set(map(key_path, controls))
    names = tuple(name for name in match.names if key_path(name) not in driven)
    _require_free(obj, match, names)
    vertices = neutral_vertices(keys, {*match.names, *(key.name for key in match.gaze)}, groups)
    require_points(obj, vertices)
    shapes = whole_keys(obj, names, key_deltas([keys.key_blocks[name] for name in names], groups), vertices)
    names, deltas = shapes.names, shapes.deltas
    blocks = [keys.key_blocks[name] for name in names]
    gaze = tuple(key for key in match.gaze if key_path(key.name) not in driven)
    keyed = {*names, *shapes.damaged, *(key.name for key in gaze)}
    stopped = tuple(name for name in (*match.names, *looking) if name not in keyed)
    if not searching:
        _require_face(obj, armature, set(names), deltas, match.convention)
    parts = find_parts(obj, {*names, *(key.name for key in gaze)}, armature, match.convention)
    meanings = dict(zip(match.names, match.meanings, strict=True))
    return RigDescription(
        object_name=obj.name,
        armature_name=armature.name if armature is not None else None,
        vertices=vertices,
        triangles=triangles,
        key_names=names,
        key_deltas=deltas,
        key_ranges=np.array([(block.slider_min, block.slider_max) for block in blocks], np.float32),
        bones=read_bones(armature),
        face_bones=bones,
        jaw_weights=share_of_bone(obj, armature, groups, bones.jaw),
        object_to_armature=object_to_armature(obj, armature),
        binding=binding,
        convention=match.convention,
        key_meanings=tuple(meanings[name] for name in names),
        left_out=match.left_out,
        basis_hash=str(obj.get(BASIS_PROPERTY, "")) if len(names) == len(match.names) else "",
        warnings=(
            *_warnings(obj, match, _LeftOut(stopped, shapes.damaged), armature, bones),
            *find_hindrances(obj, blocks, armature, bones),
            *parts.notes,
        ),
        gaze_keys=gaze,
        rest=_rest(keys, armature, bones, controls, parts.parts),
        controls=controls,
        parts=parts.parts,
        followers=parts.followers,
    )


def _gaze_without_bones(match: KeyMatch, bones: FaceBones) -> tuple[str, ...]:
    """Keys of the gaze of those eyes that no bone turns."""
    turned = (bones.left_eye is not None, bones.right_eye is not None)
    return tuple(key.name for key in match.gaze if not turned[key.eye])


def require_mesh(obj: bpy.types.Object | None) -> bpy.types.Object:
    """The object, if it is a mesh. Raises :class:`RigError`."""
    if obj is None:
        raise RigError("No mesh is chosen.", "Choose the character's head mesh in the Mimesh panel.")
    if obj.type != "MESH":
        raise RigError(f'"{obj.name}" is not a mesh but a {obj.type.lower()}.', "Choose the character's head mesh.")
    return obj


def _require_keys(obj: bpy.types.Object) -> bpy.types.Key:
    keys = obj.data.shape_keys
    if keys is None or len(keys.key_blocks) < 2:
        raise RigError(
            f'The mesh "{obj.name}" has no shape keys.',
            "Choose the head mesh of a FLAME, SMPL-X or ARKit rig, or add the demo head.",
        )
    if not keys.use_relative:
        raise RigError(
            f'The shape keys of "{obj.name}" are absolute, not relative.', "Tick Relative in the shape key panel."
        )
    return keys


def _match(
    obj: bpy.types.Object,
    keys: bpy.types.Key,
    groups: Mapping[str, Weights],
    binding: LandmarkBinding | None,
    searching: bool,
) -> KeyMatch:
    """By name; where names say nothing by what the keys do, once it is known where the lips are."""
    names = [block.name for block in keys.key_blocks if block != keys.reference_key]
    by_hand = chosen_keys(obj)
    try:
        return match_keys(names, obj.name, by_hand)
    except RigError:
        if searching:
            return KeyMatch(BY_SHAPE, tuple(names), tuple(names))
        if binding is None:
            raise
    deltas = key_deltas([keys.key_blocks[name] for name in names], groups)
    neutral = binding.points(neutral_vertices(keys, set(names), groups))
    return match_by_shape(names, binding.points(deltas), neutral, obj.name)


def _with_a_living_mouth(obj: bpy.types.Object, keys: bpy.types.Key, match: KeyMatch) -> KeyMatch:
    """Converters leave those of ARKit's keys empty that a character lacks: without a jaw, its other mouths speak."""
    opening = [name for name, meaning in zip(match.names, match.meanings, strict=True) if meaning == "jawOpen"]
    if not opening or np.abs(key_delta(keys.key_blocks[opening[0]], {})).max(initial=0.0) > _STILL or chosen_keys(obj):
        return match
    passed = {*match.names, *match.left_out, *(key.name for key in match.gaze)}
    rest = [block.name for block in keys.key_blocks if block != keys.reference_key and block.name not in passed]
    try:
        other = match_keys(rest, obj.name)
    except RigError:
        return match
    said = dict(zip(match.names, match.meanings, strict=True))
    upper = {n: m for n, m in said.items() if m.startswith(_UPPER_FACE) and m not in other.meanings}
    return replace(
        match,
        names=(*other.names, *upper),
        meanings=(*other.meanings, *upper.values()),
        gaze=other.gaze or match.gaze,
        left_out=(*match.left_out, *other.left_out, *(name for name in match.names if name not in upper)),
    )


def _require_free(obj: bpy.types.Object, match: KeyMatch, names: tuple[str, ...]) -> None:
    """Some keys without a driver must be left; a face that its controls drive is keyed by these."""
    if len(names) > len(match.names) // 2:
        return
    raise RigError(
        f'Drivers control {len(match.names) - len(names)} of the {len(match.names)} expression keys of "{obj.name}"'
        f"{_driver(obj, match)}, first {match.names[0]}; keys under a driver have no effect.",
        "Remove those drivers, or choose a copy of the mesh without them.",
    )


def _driver(obj: bpy.types.Object, match: KeyMatch) -> str:
    """By what the first of the drivers is moved."""
    paths = set(map(key_path, match.names))
    drivers = [curve.driver for curve in obj.data.shape_keys.animation_data.drivers if curve.data_path in paths]
    targets = [t for driver in drivers for variable in driver.variables for t in variable.targets if t.id is not None]
    if not targets:
        return ""
    bone = f', bone "{targets[0].bone_target}"' if targets[0].bone_target else ""
    return f' (by "{targets[0].id.name}"{bone})'


def _require_face(
    obj: bpy.types.Object,
    armature: bpy.types.Object | None,
    names: set[str],
    deltas: NDArray[np.float32],
    convention: RigConvention,
) -> None:
    """An eyeball with all the keys of the face is not the face. Raises :class:`RigError` naming the mesh that is."""
    others = relatives(obj, armature, around=True)
    if not others:
        return
    own = int((np.abs(deltas).max(axis=(1, 2)) > _STILL).sum())
    best, face = own, obj
    for other in others:
        keys = other.data.shape_keys
        blocks = [keys.key_blocks[own] for own in shared_keys(names, keys, convention).values()]
        if len(blocks) < len(names) // 2:
            continue
        moving = sum(float(np.abs(key_delta(block, {})).max(initial=0.0)) > _STILL for block in blocks)
        if moving > best:
            best, face = moving, other
    if own < best / 2:
        raise RigError(
            f'"{obj.name}" goes with a face but is not the face: only {own} of its {len(names)} keys move it, '
            f'and {best} of them move "{face.name}".',
            f'Choose "{face.name}"; "{obj.name}" is keyed along with it.',
        )


def _rest(
    keys: bpy.types.Key,
    armature: bpy.types.Object | None,
    bones: FaceBones,
    controls: Mapping[str, KeyControl],
    parts: Sequence[FacePart],
) -> dict[tuple[str, int], float]:
    found = key_values(keys, read_datablock(keys))
    # keys that a part spells in its own way rest as the face's do
    spelt = [(own, path) for part in parts for path, own in part.paths.items() if own != path]
    found |= {(own, 0): found[path, 0] for own, path in spelt if (path, 0) in found}
    if armature is not None:
        named = (bones.jaw, bones.head, bones.neck, bones.left_eye, bones.right_eye)
        existing = read_datablock(armature)
        found |= bone_values(armature, [name for name in named if name], existing)
    for owner, values in control_values(armature, controls).items():
        moved = bpy.data.objects[owner]
        found |= without_animation(values, moved, read_datablock(moved))
    return found


def _warnings(
    obj: bpy.types.Object,
    match: KeyMatch,
    left_out: _LeftOut,
    armature: bpy.types.Object | None,
    bones: FaceBones,
) -> list[str]:
    """What is left out, and what such a rig cannot show."""
    found: list[str] = []
    lacks = match.convention.shortcomings(match)
    if lacks:
        found.append(lacks)
    where = f'of "{obj.name}" left out, because'
    if lost := left_out.damaged:
        found.append(f"{_count(lost)} {where} damaged (points at no number, or absurdly far away): {_listed(lost)}.")
    if driven := left_out.driven:
        found.append(
            f"{_count(driven)} {where} drivers control them: {_listed(driven)}. Controls are keyed in their place "
            "where a driver reads one of them and raises its key in a straight line."
        )
    if armature is None:
        found.append(f'"{obj.name}" has no armature: the mouth opens by shape keys alone and the head stays still.')
    elif bones.jaw is None and match.signed:
        found.append(
            f'The armature "{armature.name}" has no jaw bone that is known: the mouth opens by shape keys alone. '
            "If it has one, name it in the Face Rig panel."
        )
    passed = first_armature_is_passed_over(obj, armature)
    return [*found, passed] if passed else found


def _count(names: Sequence[str]) -> str:
    return "1 expression key" if len(names) == 1 else f"{len(names)} expression keys"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:6])
    return shown if len(names) <= 6 else f"{shown}, ..."
