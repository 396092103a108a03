# SPDX-License-Identifier: GPL-3.0-or-later
"""Sliders after the bake: no engine, the artist's keys stay, closures stay shut, undo and saving keep everything."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.babble import babbling  # noqa: E402
from tests.blender.fake_engine import (  # noqa: E402
    FakeEngine,
    disable_checkout,
    enable_checkout,
    part,
    use_engine,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(babbling)


@pytest.fixture
def line(engine: FakeEngine, ready: Any) -> Any:
    """The demo head saying something in a style; gives the sliders."""
    part("core.blender.adjust_ready").forget_prepared()
    use_engine(engine)
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    return bpy.context.scene.mimesh_adjust


def face() -> Any:
    return bpy.data.objects["MimeshHead"]


def curves() -> dict[tuple[str, int], Any]:
    compat = part("core.blender.compat")
    owners = (face().data.shape_keys, bpy.data.objects["MimeshHeadRig"])
    return {(c.data_path, c.array_index): c for owner in owners for c in compat.owner_curves(owner)}


def digest() -> str:
    """Of every key of the line with its type, interpolation and handles."""
    found = hashlib.sha256()
    for name, curve in sorted(curves().items()):
        keys = [(*k.co, *k.handle_left, *k.handle_right, k.type, k.interpolation) for k in curve.keyframe_points]
        found.update(repr((name, keys)).encode())
    return found.hexdigest()


def values(path: str, index: int = 0) -> Any:
    return np.array([key.co.y for key in curves()[path, index].keyframe_points])


def openings() -> Any:
    """Centimetres between the lips of the head as it is keyed, at every frame of the line."""
    read_rig, hold = part("core.blender.read_rig"), part("core.direct.closure_hold")
    solve, basis = part("core.rig.solve"), part("core.face.basis").open_basis()
    rig = read_rig.read_rig(face())
    lips = hold.find_lips(solve.prepare_solver(rig, basis))
    keys = np.stack([values(f'key_blocks["{name}"].value') for name in rig.key_names], axis=1)
    turned = np.stack([values('pose.bones["jaw"].rotation_quaternion', i) for i in range(4)], axis=1)
    frames = part("core.face.rotations").rotvec_from_quaternion(turned)
    return lips.openings(keys, _in_flame_axes(rig, frames))


def _in_flame_axes(rig: Any, jaw: Any) -> Any:
    frames = part("core.rig.frames")
    axes = frames.flame_to_armature(rig, part("core.rig.solve").FLAME_IN_BLENDER)
    rest = np.asarray(rig.bone(rig.jaw_bone).rest_matrix)[:3, :3]
    return jaw @ rest.T @ axes


JAW, EYE = 'pose.bones["jaw"].rotation_quaternion', 'pose.bones["left_eye"].rotation_quaternion'
HEAD = 'pose.bones["neck"].rotation_quaternion'


def test_a_slider_keys_the_line_at_once_and_back_again(line: Any, engine: FakeEngine) -> None:
    before, jaw = digest(), values(JAW, 1)
    line.jaw = 0.5
    assert line.jaw == 0.5
    assert np.abs(values(JAW, 1)).max() == pytest.approx(0.5 * np.abs(jaw).max(), rel=0.02)
    line.jaw = 1.0
    assert digest() == before
    assert len(engine.requests) == 1


def test_gaze_and_head_move_nothing_else(line: Any) -> None:
    keys, head, eye = values('key_blocks["Exp1"].value'), values(HEAD, 1), values(EYE, 1)
    line.gaze, line.head = 0.0, 2.0
    assert np.abs(values(EYE, 1)).max() == 0.0 < np.abs(eye).max()
    assert np.abs(values(HEAD, 1)).max() > 1.9 * np.abs(head).max()
    assert values('key_blocks["Exp1"].value') == pytest.approx(keys, abs=1e-6)


def test_strength_goes_to_the_plain_line_and_past_the_style(line: Any) -> None:
    module = part("core.blender.kept")
    kept = module.load(module.find_line(face()))
    line.style_strength = 0.0
    inside = slice(6, -6)
    plain = kept.plain_solved.key_values[:, 0]
    got = values('key_blocks["Exp1"].value')[inside]
    # the closures alone are not the plain line's own
    assert np.median(np.abs(np.interp(np.arange(len(got)) / 24 * 25, np.arange(len(plain)), plain) - got)) < 0.02
    line.style_strength = 1.5
    assert np.abs(values('key_blocks["Exp1"].value')).max() > 1.2 * np.abs(got).max()


@pytest.mark.parametrize(
    "change", [{"smoothing_ms": 120.0}, {"jaw": 1.6}, {"mouth": 1.8}, {"style_strength": 0.3}, {"asymmetry": 0.0}]
)
def test_no_slider_opens_a_closure(line: Any, change: dict[str, float]) -> None:
    shut = openings() < 0.06
    assert shut[6:-6].sum() > 2
    assert bpy.ops.mimesh.adjust_line(**change) == {"FINISHED"}
    assert openings()[shut].max() < 0.12


def test_ten_edited_keys_stay_through_sliders_and_another_generation(line: Any, engine: FakeEngine) -> None:
    name = ('key_blocks["Exp2"].value', 0)
    edited = {}
    for index in range(20, 30):
        key = curves()[name].keyframe_points[index]
        key.co.y += 0.3
        edited[key.co.x] = key.co.y
    added = curves()[name].keyframe_points.insert(60.5, 0.77)
    added.type, added.interpolation = "EXTREME", "CONSTANT"
    handle = curves()[JAW, 1].keyframe_points[40]
    handle.handle_right_type = "FREE"
    handle.handle_right = (handle.co.x + 0.2, handle.co.y + 0.05)
    free = tuple(handle.handle_right)
    removed = curves()[name].keyframe_points[70].co.x
    curves()[name].keyframe_points.remove(curves()[name].keyframe_points[70])

    def stay() -> None:
        keys = {key.co.x: key for key in curves()[name].keyframe_points}
        assert {frame: keys[frame].co.y for frame in edited} == edited
        extra = keys[60.5]
        assert (extra.co.y, extra.type, extra.interpolation) == (pytest.approx(0.77), "EXTREME", "CONSTANT")
        assert removed not in keys
        (turned,) = [key for key in curves()[JAW, 1].keyframe_points if key.handle_right_type == "FREE"]
        assert tuple(turned.handle_right) == pytest.approx(free)

    line.mouth = 1.4
    stay()
    line.ease_in_seconds, line.ease_out_seconds = 0.5, 0.0
    stay()
    bpy.context.scene.mimesh.seed = 3
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    stay()
    assert len(engine.requests) == 2
    assert (line.mouth, line.ease_in_seconds, line.ease_out_seconds) == (pytest.approx(1.4), 0.5, 0.0)
    assert len([action for action in bpy.data.actions if action.name.startswith("Mimesh MimeshHead")]) <= 2


def test_undo_takes_a_slider_back_and_saving_keeps_it(line: Any, tmp_path: Path) -> None:
    bpy.context.preferences.edit.use_global_undo = True
    before = digest()
    bpy.ops.ed.undo_push(message="before")
    line.mouth = 0.5
    after = digest()
    bpy.ops.ed.undo_push(message="slider")
    bpy.ops.ed.undo()
    assert digest() == before
    assert bpy.context.scene.mimesh_adjust.mouth == 1.0
    bpy.ops.ed.redo()
    assert digest() == after
    path = str(tmp_path / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert digest() == after
    assert bpy.context.scene.mimesh_adjust.mouth == 0.5
    bpy.context.scene.mimesh_adjust.mouth = 1.0
    assert digest() == before


def test_a_preset_is_keyed_once(line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    operators, module = part("operators.adjust"), part("core.blender.adjust")
    calls: list[Any] = []
    whole = module.adjust_line
    monkeypatch.setattr(module, "adjust_line", lambda *given: calls.append(given) or whole(*given))
    operators.hold_values()
    line.mouth, line.jaw, line.brows = 1.2, 1.1, 0.4
    assert operators.key_held_values(bpy.context) == ""
    assert len(calls) == 1
    assert (line.mouth, line.brows) == (pytest.approx(1.2), pytest.approx(0.4))


def test_a_line_without_its_motion_says_so_and_changes_nothing(line: Any) -> None:
    del face().data.shape_keys.animation_data.action["mimesh_kept"]
    before = digest()
    line.mouth = 0.5
    assert digest() == before
    with pytest.raises(RuntimeError, match="generate it again"):
        bpy.ops.mimesh.adjust_line(mouth=0.5)


@pytest.mark.parametrize("seen_by", ["update", "frame"])
def test_a_key_that_is_changed_after_a_line_was_made_ready_stays(line: Any, seen_by: str) -> None:
    ready, compat = part("core.blender.adjust_ready"), part("core.blender.compat")
    found = part("operators.adjust").current_line(bpy.context)
    ready.prepare_line(face(), found)
    line.mouth = 0.9
    ready.prepare_line(face(), found)
    curve = compat.owner_curves(face().data.shape_keys)[0]
    key = curve.keyframe_points[len(curve.keyframe_points) // 2]
    key.co[1] += 0.3
    frame, value = key.co
    if seen_by == "update":
        bpy.context.view_layer.update()
        ready.prepare_line(face(), found)
    else:
        bpy.context.scene.frame_set(bpy.context.scene.frame_current + 1)
    line.mouth = 0.7
    curve = compat.owner_curves(face().data.shape_keys)[0]
    assert curve.evaluate(frame) == pytest.approx(value, abs=1e-5)


def test_a_line_made_ready_writes_less_than_one_that_is_not(line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    writing, calls = part("core.blender.write_action"), []
    slow = writing.rewrite_curve
    monkeypatch.setattr(writing, "rewrite_curve", lambda *given: calls.append(1) or slow(*given))
    part("core.blender.adjust_ready").prepare_line(face(), part("operators.adjust").current_line(bpy.context))
    line.mouth = 0.9
    bpy.context.scene.frame_set(bpy.context.scene.frame_current + 1)
    line.mouth = 0.8
    assert not calls


def test_what_is_noted_in_haste_while_a_slider_is_dragged_is_packed_later(line: Any) -> None:
    action = face().data.shape_keys.animation_data.action
    line.mouth = 0.8
    short = bytes(action["mimesh_written"])
    part("operators.adjust").adjust_now(bpy.context, {"mouth": 0.9}, dragged=True)
    part("operators.adjust").adjust_now(bpy.context, {"mouth": 0.8}, dragged=True)
    assert len(bytes(action["mimesh_written"])) > len(short)
    part("core.blender.adjust").settle_lines()
    assert bytes(action["mimesh_written"]) == short


def test_disabling_after_a_slider_leaves_no_handler_behind(line: Any) -> None:
    names = [name for name in dir(bpy.app.handlers) if name.endswith(("_post", "_pre"))]
    lists = [getattr(bpy.app.handlers, name) for name in names]

    def ours() -> list[str]:
        return [found.__name__ for handlers in lists for found in handlers if "key_memory" in found.__module__]

    line.mouth = 0.8
    assert ours()
    disable_checkout()
    assert ours() == []
    enable_checkout()
