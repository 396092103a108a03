# SPDX-License-Identifier: GPL-3.0-or-later
"""What other programs get: lips and head in one animation, with Blender's values (read back by its importers)."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from core.blender.compat import owner_curves
from core.blender.demo_head import MESH_NAME, RIG_NAME, create_demo_head
from core.blender.export_scene import export_character, export_endings
from core.errors import RigError, SettingsError

pytestmark = pytest.mark.slow
LAST = 12


@pytest.fixture
def talker() -> Any:
    """The demo head with keys and bones that move, in actions of their own, over one second."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end, scene.render.fps = 1, LAST, 24
    head = create_demo_head(scene)
    rig = bpy.data.objects[RIG_NAME]
    for frame in range(1, LAST + 1):
        for index, name in enumerate(("Exp1", "Exp2")):
            block = head.data.shape_keys.key_blocks[name]
            block.value = float(np.sin(0.4 * frame + index))
            block.keyframe_insert("value", frame=frame)
        for name, size in (("jaw", 0.2), ("neck", 0.1)):
            bone = rig.pose.bones[name]
            bone.rotation_mode = "XYZ"
            bone.rotation_euler = (size * np.sin(0.3 * frame), 0.0, size * np.cos(0.3 * frame))
            bone.keyframe_insert("rotation_euler", frame=frame)
    return scene


def shown(frames: range, key: str, bone: str) -> tuple[np.ndarray, np.ndarray]:
    """What Blender shows: values of a shape key, and the bone's rotation in the armature against its first frame."""
    scene = bpy.context.scene
    mesh = next(o for o in bpy.data.objects if o.type == "MESH" and o.data.shape_keys)
    rig = next(o for o in bpy.data.objects if o.type == "ARMATURE")
    curve = next(c for c in owner_curves(mesh.data.shape_keys) if c.data_path == f'key_blocks["{key}"].value')
    values, turns = [], []
    for frame in frames:
        scene.frame_set(frame)
        # the curve itself: importers leave sliders at 0..1, which clamps what is shown
        values.append(curve.evaluate(frame))
        pose = rig.pose.bones[bone]
        turns.append(np.array((rig.matrix_world @ pose.matrix @ pose.bone.matrix_local.inverted()).to_3x3()))
    return np.array(values), np.array(turns)


def test_a_glb_plays_lips_and_head_in_one_animation(talker: Any, tmp_path: Path) -> None:
    path = tmp_path / "talker.glb"
    exported = export_character(talker, MESH_NAME, path)
    assert exported.objects[:2] == (MESH_NAME, RIG_NAME)
    values, turns = shown(range(1, LAST + 1), "Exp1", "jaw")
    (animation,) = glb_json(path)["animations"]
    paths = {channel["target"]["path"] for channel in animation["channels"]}
    assert {"weights", "rotation"} <= paths
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 24
    bpy.ops.import_scene.gltf(filepath=str(path))
    # the importer puts the file's first second on frame 0 or 1
    start = round(min(curve_starts()))
    again, turned = shown(range(start, start + LAST), "Exp1", "jaw")
    np.testing.assert_allclose(again, values, atol=1e-3)
    np.testing.assert_allclose(against_first(turned), against_first(turns), atol=1e-3)


def test_an_fbx_plays_lips_and_head_in_one_take(talker: Any, tmp_path: Path) -> None:
    path = tmp_path / "talker.fbx"
    export_character(talker, MESH_NAME, path)
    values, turns = shown(range(1, LAST + 1), "Exp1", "jaw")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 24
    bpy.ops.import_scene.fbx(filepath=str(path))
    start = round(min(curve_starts()))
    again, turned = shown(range(start, start + LAST), "Exp1", "jaw")
    np.testing.assert_allclose(again, values, atol=1e-3)
    np.testing.assert_allclose(against_first(turned), against_first(turns), atol=1e-3)


@pytest.mark.parametrize("ending", [".bvh", ".usdc"])
def test_other_formats_hold_the_frames(ending: str, talker: Any, tmp_path: Path) -> None:
    path = tmp_path / f"talker{ending}"
    export_character(talker, MESH_NAME, path)
    if ending == ".bvh":
        text = path.read_text()
        assert "JOINT jaw" in text and f"Frames: {LAST}" in text
        return
    values, _ = shown(range(1, LAST + 1), "Exp1", "jaw")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.usd_import(filepath=str(path), import_shapes=True)
    again, _ = shown(range(1, LAST + 1), "Exp1", "jaw")
    np.testing.assert_allclose(again, values, atol=1e-3)


def test_selection_and_frame_stay_and_nothing_half_is_left(talker: Any, tmp_path: Path) -> None:
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    talker.frame_set(7)
    export_character(talker, MESH_NAME, tmp_path / "talker.glb")
    assert bpy.context.view_layer.objects.active == cube and cube.select_get()
    assert not bpy.data.objects[MESH_NAME].select_get() and talker.frame_current == 7
    assert [path.name for path in tmp_path.iterdir()] == ["talker.glb"]


def test_what_cannot_be_exported_is_refused_in_one_sentence(talker: Any, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\.glb"):
        export_character(talker, MESH_NAME, tmp_path / "talker.obj")
    bpy.data.objects[MESH_NAME].data.shape_keys.animation_data_clear()
    bpy.data.objects[RIG_NAME].animation_data_clear()
    with pytest.raises(RigError, match="Generate its lip sync first"):
        export_character(talker, MESH_NAME, tmp_path / "talker.glb")
    assert ".fbx" in export_endings() and not list(tmp_path.iterdir())


def against_first(turns: np.ndarray) -> np.ndarray:
    """(T, 3, 3) relative to the first, in the first's own axes: importers choose other axes for bones and world."""
    angles = [np.arccos(np.clip((np.trace(turns[0].T @ turn) - 1) / 2, -1, 1)) for turn in turns]
    return np.array(angles)


def curve_starts() -> list[float]:
    """First frames of all imported actions."""
    return [float(action.frame_range[0]) for action in bpy.data.actions]


def glb_json(path: Path) -> dict[str, Any]:
    """The JSON chunk of a .glb (glTF 2.0, 4.4)."""
    data = path.read_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    found: dict[str, Any] = json.loads(data[20 : 20 + length])
    return found


def test_a_live_link_file_is_only_for_faces_with_apples_keys(talker: Any, tmp_path: Path) -> None:
    with pytest.raises(RigError, match="Apple"):
        export_character(talker, MESH_NAME, tmp_path / "talker.csv")


def test_a_live_link_file_holds_what_an_arkit_face_shows(tmp_path: Path) -> None:
    import csv

    from tests.blender.rig_planned import arkit_head

    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 5
    face = arkit_head()
    for name, size in (("jawOpen", 0.1), ("mouthClose", 0.05)):
        block = face.data.shape_keys.key_blocks[name]
        for frame in range(1, 6):
            block.value = size * frame
            block.keyframe_insert("value", frame=frame)
    export_character(scene, face.name, tmp_path / "face.csv")
    with (tmp_path / "face.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["JawOpen"]) for row in rows] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5], abs=1e-5)
    assert [float(row["MouthClose"]) for row in rows] == pytest.approx([0.05, 0.1, 0.15, 0.2, 0.25], abs=1e-5)
    assert len(rows[0]) == 63
