# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers on a head with Apple's 52 keys, teeth beside it: undo step by step, saved and opened again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow
bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from core.arkit.names import SHAPES  # noqa: E402
from core.arkit.shapes import arkit_shapes  # noqa: E402
from core.blender.correspond import store_binding  # noqa: E402
from tests.blender import builders  # noqa: E402
from tests.blender.babble import babbling  # noqa: E402
from tests.blender.fake_engine import FakeEngine, part, use_engine, wav_file  # noqa: E402
from tests.blender.sheet_bench import FACE  # noqa: E402

TEETH = ("jawOpen", "jawLeft", "jawRight", "jawForward")
AT = (12, 20, 31)


@pytest.fixture(params=[True, False], ids=["with a head bone", "keys alone"])
def head(request: pytest.FixtureRequest, extension: None, tmp_path: Path) -> Any:
    """An ARKit head with a line of 3 s; its teeth have the jaw's keys."""
    bpy.context.preferences.edit.use_global_undo = True
    bpy.context.preferences.edit.undo_steps = 64
    part("core.blender.adjust_ready").forget_prepared()
    obj = arkit_head(request.param)
    mesh = bpy.data.meshes.new("Teeth")
    mesh.from_pydata([(0.0, -0.01, 0.0), (0.01, -0.01, 0.0), (0.0, -0.01, 0.01)], [], [(0, 1, 2)])
    teeth = bpy.data.objects.new("Teeth", mesh)
    bpy.context.scene.collection.objects.link(teeth)
    builders.add_keys(teeth, TEETH, np.full((len(TEETH), 3, 3), 0.001))
    teeth.parent = obj
    scene = bpy.context.scene
    scene.mimesh.target = obj
    scene.mimesh.speech_kind, scene.mimesh.speech_file = "file", str(wav_file(tmp_path / "talk.wav", 3.0))
    scene.mimesh.reference_kind = "none"
    use_engine(FakeEngine(babbling))
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    bpy.ops.ed.undo_push(message="generated")
    return obj


def arkit_head(with_armature: bool) -> Any:
    """The landmarks, a small triangle for each, with keys that do what Apple's words say."""
    obj = builders.build_rig(FACE, builders.RigChoice(key_names=(), with_armature=with_armature, name="Face"))
    flat = np.empty(3 * len(obj.data.vertices), np.float32)
    obj.data.shape_keys.key_blocks[0].data.foreach_get("co", flat)
    deltas = np.repeat(arkit_shapes(), 3, axis=1) @ (0.01 * builders.FLAME_IN_BLENDER).T
    for name, delta in zip(SHAPES, deltas, strict=True):
        block = obj.shape_key_add(name=name, from_mix=False)
        block.data.foreach_set("co", flat + delta.ravel().astype(np.float32))
        block.value = 0.0
    store_binding(obj, builders.own_binding(FACE))
    return obj


def face() -> Any:
    """Found anew after undo."""
    return bpy.data.objects["Face"]


def shown(frame: int) -> dict[str, float]:
    bpy.context.scene.frame_set(frame)
    found = {block.name: round(block.value, 4) for block in face().data.shape_keys.key_blocks[1:]}
    return found | {f"teeth {b.name}": round(b.value, 4) for b in bpy.data.objects["Teeth"].data.shape_keys.key_blocks}


def look() -> str:
    """Every key of every action, the NLA of both meshes, and what shows."""
    compat = part("core.blender.compat")
    keys = [
        (action.name, curve.data_path, curve.array_index, [(tuple(k.co), k.type) for k in curve.keyframe_points])
        for action in sorted(bpy.data.actions, key=lambda action: action.name)
        for curve in compat.action_curves(action)
    ]
    strips = [
        (track.name, track.mute, strip.name, strip.action.name, strip.mute, round(strip.influence, 4), strip.frame_end)
        for name in ("Face", "Teeth")
        for track in bpy.data.objects[name].data.shape_keys.animation_data.nla_tracks
        for strip in track.strips
    ]
    return hashlib.sha256(repr((keys, strips, [shown(frame) for frame in AT])).encode()).hexdigest()


def layers() -> dict[str, Any]:
    return part("operators.layers").current_layers(bpy.context)


def of_part(which: str) -> set[str]:
    """Keys of the face in a layer."""
    return {path.split('"')[1] for layer in layers()[which] for path, _ in layer.curves() if path.startswith("key_")}


def test_each_of_apples_keys_is_in_the_layer_of_its_part_and_nothing_is_lost(head: Any) -> None:
    before, actions = [shown(frame) for frame in AT], len(bpy.data.actions)
    assert bpy.ops.mimesh.layer_line() == {"FINISHED"}
    assert {"lips", "jaw", "brows", "lids"} <= set(layers())
    assert {getattr(bpy.context.scene.mimesh_layers, part) for part in layers()} == {1.0}
    assert [shown(frame) for frame in AT] == before
    assert of_part("lids") == {"eyeBlinkLeft", "eyeBlinkRight"}
    assert "jawOpen" in of_part("jaw")
    assert {"mouthSmileLeft", "mouthFunnel", "mouthPucker"} <= of_part("lips")
    assert {"browInnerUp", "browDownLeft", "browOuterUpRight"} <= of_part("brows")
    assert bpy.ops.mimesh.unlayer_line() == {"FINISHED"}
    assert [shown(frame) for frame in AT] == before
    assert len(bpy.data.actions) == actions


def test_the_jaws_influence_is_the_teeths_too(head: Any) -> None:
    bpy.ops.mimesh.layer_line()
    before = shown(AT[1])
    assert before["jawOpen"] == before["teeth jawOpen"] > 0.05
    bpy.context.scene.mimesh_layers.jaw = 0.5
    half = shown(AT[1])
    assert half["jawOpen"] == half["teeth jawOpen"] == pytest.approx(before["jawOpen"] / 2, abs=1e-3)
    assert half["mouthFunnel"] == before["mouthFunnel"]


def test_undo_walks_back_and_saving_keeps_layers_with_their_influences(head: Any, tmp_path: Path) -> None:
    looks = [look()]

    def step(name: str) -> None:
        bpy.ops.ed.undo_push(message=name)
        looks.append(look())
        assert looks[-1] != looks[-2], name

    bpy.ops.mimesh.layer_line()
    step("layers")
    bpy.context.scene.mimesh_layers.jaw = 0.4
    step("influence")
    bpy.context.scene.mimesh_adjust.mouth = 1.5
    step("slider")
    layers()["brows"][0].track.mute = True
    step("muted")
    curve = part("core.blender.compat").strip_curves(layers()["lips"][0].strip)[2]
    curve.keyframe_points[15].co[1] += 0.3
    curve.keyframe_points[15].type = "EXTREME"
    curve.update()
    step("a key by hand")
    bpy.context.scene.mimesh_adjust.tidy_mm = 0.3
    step("tidied")
    for wanted in reversed(looks[:-1]):
        bpy.ops.ed.undo()
        assert look() == wanted
    for wanted in looks[1:]:
        bpy.ops.ed.redo()
        assert look() == wanted
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "layers.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "layers.blend"))
    part("core.blender.adjust_ready").forget_prepared()
    assert look() == looks[-1]
    assert bpy.context.scene.mimesh_layers.jaw == pytest.approx(0.4)
    bpy.context.scene.mimesh_adjust.tidy_mm = 0.0
    assert bpy.ops.mimesh.unlayer_line() == {"FINISHED"}
    edited = [
        key
        for curve in part("core.blender.compat").owner_curves(face().data.shape_keys)
        for key in curve.keyframe_points
        if key.type == "EXTREME"
    ]
    assert len(edited) == 1


def jaw_keys(name: str) -> list[float]:
    """Values of the key that opens the jaw."""
    curves = part("core.blender.compat").owner_curves(bpy.data.objects[name].data.shape_keys)
    return [round(key.co[1], 5) for curve in curves if "jawOpen" in curve.data_path for key in curve.keyframe_points]


def test_teeth_of_another_name_follow_the_sliders(head: Any) -> None:
    before = jaw_keys("Teeth")
    bpy.data.objects["Teeth"].name = "Upper Teeth"
    bpy.context.scene.mimesh_adjust.jaw = 0.5
    assert jaw_keys("Upper Teeth") == jaw_keys("Face") != before


def test_teeth_of_a_copied_face_follow_its_sliders_alone(head: Any) -> None:
    before = jaw_keys("Teeth")
    for item in bpy.context.view_layer.objects:
        item.select_set(True)
    bpy.context.view_layer.objects.active = head
    assert bpy.ops.object.duplicate() == {"FINISHED"}
    copy = bpy.context.view_layer.objects.active
    bpy.context.scene.mimesh.target = copy
    bpy.context.scene.mimesh_adjust.jaw = 0.5
    assert jaw_keys("Teeth.001") == jaw_keys(copy.name) != before
    assert jaw_keys("Teeth") == jaw_keys("Face") == before
