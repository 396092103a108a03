# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves written in a real Blender: values come back, ours are replaced, the artist's are kept, failures undo."""

from __future__ import annotations

import dataclasses
import time

import bpy
import numpy as np
import pytest

from core.blender import write_action as write_module
from core.blender.apply import ApplyReport, apply_plan
from core.blender.armature import find_armature
from core.blender.compat import action_curves, assign_action
from core.blender.read_animation import curve_points, read_existing
from core.blender.read_rig import read_rig
from core.errors import RigError
from core.rig.plan import ApplySettings, CurvePlan, plan_curves
from core.rig.solve import RigMotion
from core.rig.timing import SceneTiming
from tests import face_fixtures
from tests.blender import builders
from tests.pace import pace_seconds

FACE = face_fixtures.synthetic_face()
# frames of ease at 25 fps, before and after the line
EASE = 6
# one action with a slot for each datablock since 4.4
NAMES = ("Mimesh Head",) if bpy.app.version >= (4, 4, 0) else ("Mimesh Head", "Mimesh Head Bones")


def rig_motion(keys: int = 50, frames: int = 20, scale: float = 1.0) -> RigMotion:
    """Random keys, and small rotations of jaw, head and eyes."""
    rng = np.random.default_rng(9)
    return RigMotion(
        fps=25.0,
        key_values=(scale * rng.normal(0, 1, (frames, keys))).astype(np.float32),
        jaw=np.abs(rng.normal(0, 0.1, (frames, 3))).astype(np.float32),
        head=rng.normal(0, 0.1, (frames, 3)).astype(np.float32),
        eyes=rng.normal(0, 0.1, (frames, 2, 3)).astype(np.float32),
        flame_to_object=builders.FLAME_IN_BLENDER,
    )


def make_plan(
    obj: bpy.types.Object, motion: RigMotion | None = None, settings: ApplySettings | None = None, start: float = 1.0
) -> CurvePlan:
    """Plan for 25 fps."""
    return plan_curves(
        read_rig(obj),
        motion or rig_motion(),
        SceneTiming(25.0, start),
        settings or ApplySettings(),
        read_existing(obj),
        '{"seed": 0}',
    )


def generate(obj: bpy.types.Object, **settings: str) -> ApplyReport:
    """Plan and apply."""
    return apply_plan(make_plan(obj, settings=ApplySettings(**settings)), obj)  # type: ignore[arg-type]


def add_artist_action(owner: bpy.types.ID, name: str, path: str, index: int = -1) -> bpy.types.Action:
    """An action that we did not make, with two keys on one channel."""
    action = bpy.data.actions.new(name)
    curve = assign_action(owner, action).new(path, index=max(index, 0))
    curve.keyframe_points.insert(1, 0.25)
    curve.keyframe_points.insert(30, 0.5)
    return action


@pytest.mark.parametrize("interpolation", ["BEZIER", "LINEAR"])
def test_written_keys_read_back_equal(interpolation: str) -> None:
    obj = builders.build_rig(FACE)
    plan = make_plan(obj, settings=ApplySettings(interpolation=interpolation))  # type: ignore[arg-type]
    report = apply_plan(plan, obj)
    written = {
        (points.path, points.index): points.points
        for name in report.actions
        for points in map(curve_points, action_curves(bpy.data.actions[name]))
    }
    assert len(written) == len(plan.curves)
    for curve in plan.curves:
        np.testing.assert_array_equal(written[curve.path, curve.index][:, 0], curve.frames)
        np.testing.assert_array_equal(written[curve.path, curve.index][:, 1], curve.values)
    assert report.keys_written == plan.key_count == (20 + 2 * EASE) * (50 + 4 * 4)
    kinds = {p.interpolation for c in action_curves(bpy.data.actions[report.actions[0]]) for p in c.keyframe_points}
    assert kinds == {interpolation}


def test_evaluated_keys_equal_the_plan_beyond_the_old_slider_range() -> None:
    obj = builders.build_rig(FACE)
    motion = rig_motion(scale=2.0)
    assert np.abs(motion.key_values).max() > 3
    apply_plan(make_plan(obj, motion), obj)
    for frame in (0, 7, 19):
        bpy.context.scene.frame_set(1 + frame)
        evaluated = obj.data.shape_keys.evaluated_get(bpy.context.evaluated_depsgraph_get())
        values = [evaluated.key_blocks[f"Exp{index}"].value for index in range(1, 51)]
        np.testing.assert_allclose(values, motion.key_values[frame], atol=1e-5)


def test_actions_are_named_and_tagged_with_provenance() -> None:
    obj = builders.build_rig(FACE)
    report = generate(obj)
    assert report.actions == NAMES
    for name in report.actions:
        assert bpy.data.actions[name]["mimesh"] == '{"seed": 0}'
    assert obj.data.shape_keys.animation_data.action.name == "Mimesh Head"
    assert find_armature(obj).animation_data.action.name == NAMES[-1]


def test_generating_again_replaces_our_actions_only() -> None:
    obj = builders.build_rig(FACE)
    generate(obj)
    plan = make_plan(obj, rig_motion(scale=0.5))
    assert plan.replaces == NAMES
    report = apply_plan(plan, obj)
    assert sorted(action.name for action in bpy.data.actions) == sorted(report.actions)
    assert report.actions == NAMES


def test_generate_keeps_artist_action_and_says_its_name() -> None:
    obj = builders.build_rig(FACE)
    add_artist_action(obj.data.shape_keys, "My Blinks", 'key_blocks["Exp1"].value')
    before = builders.snapshot()
    with pytest.raises(RigError, match='"My Blinks", which Mimesh did not make'):
        generate(obj)
    assert builders.snapshot() == before


def test_a_key_that_the_artist_moved_stays_in_new_motion() -> None:
    obj = builders.build_rig(FACE)
    generate(obj)
    curve = action_curves(bpy.data.actions["Mimesh Head"])[0]
    curve.keyframe_points[20].co.y += 0.4
    edited = tuple(curve.keyframe_points[20].co)
    apply_plan(make_plan(obj, rig_motion(scale=5.0)), obj)
    (action,) = [action for action in bpy.data.actions if action.name == "Mimesh Head"]
    assert tuple(action_curves(action)[0].keyframe_points[20].co) == edited


def test_a_line_that_cannot_be_carried_on_is_kept_muted() -> None:
    obj = builders.build_rig(FACE)
    generate(obj)
    old = bpy.data.actions["Mimesh Head"]
    # as an earlier version left it: nothing tells the artist's keys from ours
    del old["mimesh_written"]
    action_curves(old)[0].keyframe_points[3].co.y += 0.1
    plan = make_plan(obj)
    assert any("kept on a muted NLA strip" in warning for warning in plan.warnings)
    apply_plan(plan, obj)
    (track,) = obj.data.shape_keys.animation_data.nla_tracks
    assert (track.strips[0].action, track.strips[0].mute) == (old, True)


def test_a_body_action_stays_where_it_is_and_plays_on() -> None:
    obj = builders.build_rig(FACE)
    armature = find_armature(obj)
    add_artist_action(armature, "Walk", "location", 2)
    generate(obj, on_existing="push_down")
    # nothing of it is in the way: it stays the active action, with ours beside it
    (track,) = armature.animation_data.nla_tracks
    assert (track.name, track.mute, track.strips[0].action.name) == ("Mimesh", False, NAMES[-1])
    assert armature.animation_data.action.name == "Walk"
    bpy.context.scene.frame_set(30)
    assert armature.location.z == pytest.approx(0.5, abs=1e-5)
    bpy.context.scene.frame_set(5)
    jaw = armature.pose.bones["jaw"].rotation_quaternion
    assert jaw.x == pytest.approx(np.sin(rig_motion().jaw[4, 0] / 2), abs=0.02)


def test_push_down_tells_which_channels_it_covers() -> None:
    obj = builders.build_rig(FACE)
    add_artist_action(obj.data.shape_keys, "My Blinks", 'key_blocks["Exp1"].value')
    plan = make_plan(obj, settings=ApplySettings(on_existing="push_down"))
    assert plan.pushes_down == ("My Blinks",)
    assert any("1 channel of it" in warning and '"My Blinks"' in warning for warning in plan.warnings)
    apply_plan(plan, obj)
    bpy.context.scene.frame_set(5)
    value = obj.data.shape_keys.key_blocks["Exp1"].value
    assert value == pytest.approx(float(rig_motion().key_values[4, 0]), abs=1e-5)


def test_a_driven_key_is_left_out_and_named() -> None:
    obj = builders.build_rig(FACE)
    obj.data.shape_keys.driver_add('key_blocks["Exp2"].value')
    plan = make_plan(obj, rig_motion(keys=49))
    assert 'key_blocks["Exp2"].value' not in {curve.path for curve in plan.curves}
    assert any("1 expression key" in warning and "Exp2" in warning for warning in plan.warnings)
    apply_plan(plan, obj)


def test_a_face_that_is_driven_all_over_is_refused_by_the_name_of_its_control() -> None:
    obj = builders.build_rig(FACE)
    for index in range(1, 51):
        driver = obj.data.shape_keys.driver_add(f'key_blocks["Exp{index}"].value').driver
        variable = driver.variables.new()
        variable.type = "TRANSFORMS"
        variable.targets[0].id, variable.targets[0].bone_target = find_armature(obj), "jaw"
    before = builders.snapshot()
    with pytest.raises(RigError, match=r'Drivers control 50 of the 50 .*by "HeadRig", bone "jaw"'):
        generate(obj)
    assert builders.snapshot() == before


def test_a_driver_on_the_jaw_is_refused_and_one_on_the_head_leaves_the_head_alone() -> None:
    obj = builders.build_rig(FACE)
    armature = find_armature(obj)
    armature.driver_add('pose.bones["neck"].rotation_quaternion', 1)
    plan = make_plan(obj)
    assert not any("neck" in curve.path for curve in plan.curves)
    assert any('"neck" is keyed for another face, or driven' in warning for warning in plan.warnings)
    armature.driver_add('pose.bones["jaw"].rotation_quaternion', 1)
    before = builders.snapshot()
    with pytest.raises(RigError, match='A driver turns the jaw bone "jaw" of "HeadRig"'):
        generate(obj)
    assert builders.snapshot() == before


@pytest.mark.parametrize("on_existing", ["refuse", "push_down"])
@pytest.mark.parametrize("fails_at", [0, 30, 60])
def test_failure_half_way_leaves_everything_as_it_was(
    monkeypatch: pytest.MonkeyPatch, fails_at: int, on_existing: str
) -> None:
    obj = builders.build_rig(FACE)
    if on_existing == "push_down":
        add_artist_action(obj.data.shape_keys, "My Blinks", 'key_blocks["Exp1"].value')
        add_artist_action(find_armature(obj), "Walk", "location", 2)
    else:
        generate(obj)
    plan = make_plan(obj, rig_motion(scale=5.0), ApplySettings(on_existing=on_existing))  # type: ignore[arg-type]
    before = builders.snapshot()
    write, calls = write_module.write_new_curve, iter(range(1000))

    def failing_write(*arguments: object) -> object:
        if next(calls) == fails_at:
            raise MemoryError("no room")
        return write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(write_module, "write_new_curve", failing_write)
    with pytest.raises(MemoryError):
        apply_plan(plan, obj)
    assert builders.snapshot() == before


def test_an_action_assigned_while_the_engine_worked_is_noticed() -> None:
    obj = builders.build_rig(FACE)
    plan = make_plan(obj)
    add_artist_action(obj.data.shape_keys, "My Blinks", 'key_blocks["Exp1"].value')
    before = builders.snapshot()
    with pytest.raises(RigError, match="changed while the motion was being made"):
        apply_plan(plan, obj)
    assert builders.snapshot() == before


def test_a_hundred_thousand_keys_take_no_longer_than_four_million_additions() -> None:
    obj = builders.build_rig(FACE)
    plan = make_plan(obj, rig_motion(frames=1600))
    assert plan.key_count > 100_000
    found = []
    for _ in range(3):
        again = dataclasses.replace(plan, existing=read_existing(obj))
        # of the processor, since the machine may be busy with something else
        started = time.process_time()
        apply_plan(again, obj)
        found.append(time.process_time() - started)
    assert min(found) < 4 * pace_seconds()


def test_file_saved_and_opened_again_still_knows_its_own_action(tmp_path) -> None:  # type: ignore[no-untyped-def]
    generate(builders.build_rig(FACE))
    path = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    existing = read_existing(bpy.data.objects["Head"])
    assert existing.key.action is not None
    assert existing.key.action.ours
