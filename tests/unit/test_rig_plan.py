# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: scene frames from seconds, slider ranges, and who may be replaced."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from core.errors import RigError, SettingsError
from core.rig.description import BoneDescription, RigDescription
from core.rig.existing import CurvePoints, ExistingAction, ExistingAnimation, ExistingDatablock, fingerprint
from core.rig.names import FaceBones
from core.rig.plan import ApplySettings, CurvePlan, plan_curves
from core.rig.resample import sample_monotone
from core.rig.solve import RigMotion
from core.rig.timing import SceneTiming

FLAME_IN_BLENDER = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def make_rig(keys: int = 2, with_bones: bool = True) -> RigDescription:
    """Four vertices, ``keys`` keys, FLAME's bones."""
    rest = np.eye(4)
    rest[:3, :3] = FLAME_IN_BLENDER
    names = ("root", "neck", "jaw") if with_bones else ()
    return RigDescription(
        object_name="Head",
        armature_name="Rig" if with_bones else None,
        vertices=np.zeros((4, 3), np.float32),
        triangles=np.array([[0, 1, 2]], np.int32),
        key_names=tuple(f"Exp{i + 1}" for i in range(keys)),
        key_deltas=np.zeros((keys, 4, 3), np.float32),
        key_ranges=np.tile(np.array([0, 1], np.float32), (keys, 1)),
        bones=tuple(BoneDescription(name, None, rest) for name in names),
        face_bones=FaceBones("root", "neck", None, "jaw") if with_bones else FaceBones(),
        jaw_weights=np.ones(4, np.float32) * with_bones,
        object_to_armature=np.eye(4),
        binding=None,
    )


def make_motion(values: np.ndarray) -> RigMotion:
    """Key values as given, a still face otherwise but for the jaw and head."""
    frames = len(values)
    turn = np.zeros((frames, 3), np.float32)
    turn[:, 0] = 0.2
    eyes = np.zeros((frames, 2, 3), np.float32)
    return RigMotion(25.0, values.astype(np.float32), turn, turn, eyes, FLAME_IN_BLENDER)


def ramp(frames: int = 26, keys: int = 2) -> np.ndarray:
    """Values equal to the time in seconds."""
    return np.repeat(np.arange(frames)[:, None] / 25.0, keys, axis=1)


def planned(
    rig: RigDescription,
    motion: RigMotion,
    timing: SceneTiming,
    existing: ExistingAnimation | None = None,
    settings: ApplySettings | None = None,
) -> CurvePlan:
    """Plan with defaults, but for the ease: the line's own frames alone."""
    settings = dataclasses.replace(settings or ApplySettings(), ease_seconds=0.0)
    return plan_curves(rig, motion, timing, settings, existing or ExistingAnimation(), "{}")


@pytest.mark.parametrize("fps", [24 / 1.001, 24, 25, 30 / 1.001, 30, 50, 60 / 1.001, 60])
def test_keys_lie_on_whole_frames_and_keep_the_seconds(fps: float) -> None:
    plan = planned(make_rig(), make_motion(ramp()), SceneTiming(fps, 10.4))
    curve = plan.curves[0]
    np.testing.assert_array_equal(curve.frames, np.round(curve.frames))
    assert curve.frames[0] == 11
    assert curve.frames[-1] == np.floor(10.4 + fps + 1e-4)
    np.testing.assert_allclose(curve.values, (curve.frames - 10.4) / fps, atol=1e-5)


def test_looking_about_on_a_head_without_eyes_is_said_once() -> None:
    eyes = np.full((26, 2, 3), 0.1, np.float32)
    plan = planned(make_rig(), dataclasses.replace(make_motion(ramp()), eyes=eyes), SceneTiming(25.0, 1.0))
    assert [text for text in plan.warnings if "eye" in text] == ['"Head" has no eye bone, so eye motion is left out.']


def test_same_rate_and_whole_start_give_the_frames_exactly() -> None:
    values = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    plan = planned(make_rig(), make_motion(values), SceneTiming(25.0, 7.0))
    np.testing.assert_array_equal(plan.curves[1].values, values[:, 1])
    np.testing.assert_array_equal(plan.curves[1].frames, np.arange(7, 57))


def test_no_key_after_the_strip_ends() -> None:
    plan = planned(make_rig(), make_motion(ramp()), SceneTiming(25.0, 1.0, last_frame=12.5))
    assert plan.curves[0].frames[-1] == 12


def test_speech_between_two_frames_is_refused() -> None:
    with pytest.raises(RigError, match='No whole scene frame lies within the speech for "Head"'):
        planned(make_rig(), make_motion(ramp(2)), SceneTiming(1.0, 1.3))


def test_absurd_frame_rate_is_refused() -> None:
    with pytest.raises(SettingsError, match="0 frames per second"):
        SceneTiming(0.0, 1.0)


def test_sampling_never_leaves_its_neighbours() -> None:
    values = np.array([0.0, 0.0, 1.0, 1.0, 0.0, 0.3])
    sampled = sample_monotone(values, 25.0, np.linspace(0, 0.2, 101))
    assert sampled.min() >= 0.0
    assert sampled.max() <= 1.0


def test_ranges_widen_to_hold_every_value() -> None:
    values = np.array([[4.2, 0.5], [-6.1, 0.2], [0.0, 0.1]])
    plan = planned(make_rig(), make_motion(values), SceneTiming(25.0, 1.0))
    ranges = {slider.key_name: (slider.minimum, slider.maximum) for slider in plan.widen}
    assert ranges == {"Exp1": (-7.0, 5.0), "Exp2": (-3.0, 3.0)}


def test_a_range_that_is_wide_enough_stays() -> None:
    rig = dataclasses.replace(make_rig(), key_ranges=np.tile(np.array([-10, 10], np.float32), (2, 1)))
    assert planned(rig, make_motion(ramp()), SceneTiming(25.0, 1.0)).widen == ()


def test_values_beyond_blenders_limit_are_held_with_a_warning() -> None:
    values = np.array([[0.0, 14.0], [0.0, -30.0], [0.0, 1.0]])
    plan = planned(make_rig(), make_motion(values), SceneTiming(25.0, 1.0))
    np.testing.assert_array_equal(plan.curves[1].values, [10, -10, 1])
    assert any("2 frames" in warning and "Exp2" in warning for warning in plan.warnings)


def test_bones_are_keyed_in_their_mode_with_a_note_on_the_way_taken() -> None:
    plan = planned(make_rig(), make_motion(ramp()), SceneTiming(25.0, 1.0))
    paths = {curve.path for curve in plan.curves_of("armature")}
    assert paths == {'pose.bones["jaw"].rotation_quaternion', 'pose.bones["neck"].rotation_quaternion'}
    assert any(note.startswith("jaw: bone jaw, in FLAME's axes") for note in plan.notes)


def test_a_still_head_is_not_keyed() -> None:
    motion = dataclasses.replace(make_motion(ramp()), head=np.zeros((26, 3), np.float32))
    paths = {curve.path for curve in planned(make_rig(), motion, SceneTiming(25.0, 1.0)).curves_of("armature")}
    assert paths == {'pose.bones["jaw"].rotation_quaternion'}


def test_head_motion_without_a_bone_is_left_out_with_a_warning() -> None:
    plan = planned(make_rig(with_bones=False), make_motion(ramp()), SceneTiming(25.0, 1.0))
    assert plan.curves_of("armature") == ()
    assert any("no head bone" in warning for warning in plan.warnings)


def test_key_names_are_quoted_in_paths() -> None:
    rig = dataclasses.replace(make_rig(1), key_names=('odd "name"\\',))
    plan = planned(rig, make_motion(ramp(keys=1)), SceneTiming(25.0, 1.0))
    assert plan.curves[0].path == 'key_blocks["odd \\"name\\"\\\\"].value'


def with_action(**fields: object) -> ExistingAnimation:
    """Shape keys with an action on a key that will be keyed."""
    fields = {"paths": frozenset({'key_blocks["Exp1"].value'}), **fields}
    action = ExistingAction(name="Blinks", **fields)  # type: ignore[arg-type]
    return ExistingAnimation(key=ExistingDatablock(action=action))


def test_our_own_action_is_replaced() -> None:
    plan = planned(make_rig(), make_motion(ramp()), SceneTiming(25.0, 1.0), with_action(ours=True))
    assert (plan.replaces, plan.pushes_down) == (("Blinks",), ())


def test_an_artists_action_is_refused_by_name() -> None:
    with pytest.raises(RigError, match="did not make") as refused:
        planned(make_rig(), make_motion(ramp()), SceneTiming(25.0, 1.0), with_action(ours=False))
    assert '"Blinks"' in refused.value.message
    assert "Push Down" in refused.value.hint


def test_push_down_is_planned_when_chosen() -> None:
    existing = with_action(ours=False, paths=frozenset({'key_blocks["Exp1"].value'}))
    plan = planned(make_rig(), make_motion(ramp()), SceneTiming(25.0, 1.0), existing, ApplySettings("push_down"))
    assert plan.pushes_down == ("Blinks",)
    assert any("1 channel of it" in warning for warning in plan.warnings)


def test_an_armature_action_is_no_matter_when_no_bone_is_keyed() -> None:
    walk = ExistingAnimation(armature=ExistingDatablock(action=ExistingAction("Walk", ours=False)))
    plan = planned(make_rig(with_bones=False), make_motion(ramp()), SceneTiming(25.0, 1.0), walk)
    assert plan.pushes_down == ()


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        (ExistingDatablock(tweaking=True), "tweaked in the NLA editor"),
    ],
)
def test_locked_channels_are_refused(block: ExistingDatablock, sentence: str) -> None:
    with pytest.raises(RigError, match=sentence):
        planned(make_rig(), make_motion(ramp()), SceneTiming(25.0, 1.0), ExistingAnimation(key=block))


def test_solo_track_is_a_warning() -> None:
    existing = ExistingAnimation(key=ExistingDatablock(solo="Old"))
    plan = planned(make_rig(), make_motion(ramp()), SceneTiming(25.0, 1.0), existing)
    assert any('"Old"' in warning for warning in plan.warnings)


def test_fingerprint_sees_a_moved_key_and_ignores_order() -> None:
    points = np.array([[1, 0.5], [2, 0.25]], np.float32)
    curves = [CurvePoints("a", 0, points), CurvePoints("b", 0, points)]
    moved = [curves[0], CurvePoints("b", 0, points + np.array([0, 1e-4], np.float32))]
    assert fingerprint(curves) == fingerprint(reversed(curves))
    assert fingerprint(curves) != fingerprint(moved)
