# SPDX-License-Identifier: GPL-3.0-or-later
"""Blinks and gaze in a real Blender: lids meet, eyes turn."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from numpy.typing import NDArray

from core.blender.correspond import store_binding
from core.blender.demo_head import create_demo_head
from core.blender.read_rig import read_rig
from core.blender.rig_report import describe_rig
from core.face.basis import open_basis
from core.face.landmarks import IRIS_LEFT, IRIS_RIGHT, LANDMARK_COUNT, LIPS
from core.face.lids import LOWER_LIDS, UPPER_LIDS, lid_chart, lid_gaps
from core.face.motion import Motion
from core.models.eyes.apply import eyes_for
from core.rig.description import LandmarkBinding
from core.rig.plan_bones import GAZE_KEY_RADIANS
from core.rig.timing import SceneTiming
from core.settings import EyesSettings
from core.style.parts import EyesPart
from research.render.evaluate import evaluated_landmarks, key_motion
from tests.blender import builders
from tests.eyes_fixtures import resting, talk

pytestmark = pytest.mark.slow

FRAMES = 150
OFTEN = EyesPart(40.0, 0.22, 0.3, 1.0, 1.0)
# the eyes of the ARKit head are this much wider than the basis'
WIDER = 1.35
BARYCENTRIC = np.array([0.375, 0.3125, 0.3125], np.float32)
GAZE_KEYS = tuple(f"eyeLook{way}{side}" for side in ("Left", "Right") for way in ("Down", "Up", "In", "Out"))


@pytest.fixture(scope="module")
def blinking() -> Motion:
    """Six seconds of a face with a still head that blinks and looks about."""
    motion = resting(FRAMES)
    return eyes_for(motion.replace(head=0 * motion.head), talk(FRAMES / 25), OFTEN, EyesSettings(), seed=1)


def shut_frames(motion: Motion) -> NDArray[np.intp]:
    return np.flatnonzero(lid_chart(open_basis()).closure_of(motion.expression).min(axis=1) > 0.95)


def open_frames(motion: Motion) -> NDArray[np.intp]:
    return np.flatnonzero(lid_chart(open_basis()).closure_of(motion.expression).max(axis=1) < 0.1)


def test_demo_head_shuts_its_eyes_at_blinks_and_not_its_mouth(blinking: Motion) -> None:
    head = create_demo_head(bpy.context.scene)
    key_motion(head, blinking, SceneTiming(25.0, 1.0))
    shut, opened = shut_frames(blinking)[:4], open_frames(blinking)[:4]
    assert len(shut) == len(opened) == 4
    gaps = lid_gaps(evaluated_landmarks(head, shut + 1))
    assert gaps.max() < 0.12
    assert lid_gaps(evaluated_landmarks(head, opened + 1)).mean() > 0.45
    # the same frame without the blink has its lips in the same place
    with_blink = evaluated_landmarks(head, shut + 1)[:, LIPS]
    still = resting(FRAMES)
    key_motion(head, still.replace(head=0 * still.head), SceneTiming(25.0, 1.0))
    assert np.linalg.norm(with_blink - evaluated_landmarks(head, shut + 1)[:, LIPS], axis=-1).max() < 0.01


@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0])
def test_no_blink_is_lost_at_another_frame_rate(blinking: Motion, fps: float) -> None:
    head = create_demo_head(bpy.context.scene)
    bpy.context.scene.render.fps = int(fps)
    key_motion(head, blinking, SceneTiming(fps, 1.0))
    shut = shut_frames(blinking)
    for first in shut[np.diff(shut, prepend=-9) > 1][:3]:
        around = np.arange(int(first / 25 * fps), int((first + 1) / 25 * fps) + 2) + 1
        assert lid_gaps(evaluated_landmarks(head, around)).mean(axis=1).min() < 0.08


def test_demo_head_s_eyes_turn_where_the_motion_looks(blinking: Motion) -> None:
    head = create_demo_head(bpy.context.scene)
    key_motion(head, blinking, SceneTiming(25.0, 1.0))
    basis = open_basis()
    away = int(np.abs(blinking.gaze[:, 0]).sum(axis=1).argmax())
    shown = evaluated_landmarks(head, [away + 1])[0]
    for eye, iris in enumerate((IRIS_LEFT, IRIS_RIGHT)):
        pitch, yaw = blinking.gaze[away, eye]
        moved = shown[iris[0]] - basis.neutral[iris[0]]
        radius = basis.neutral[iris[0], 2] - basis.eye_centres[eye, 2]
        # the bone's joint and the basis' centre are not the same point: within a fifth of the movement
        expected = radius * np.array([np.sin(yaw), -np.sin(pitch)])
        assert np.linalg.norm(expected) > 0.08
        assert np.linalg.norm(moved[:2] - expected) < 0.2 * np.linalg.norm(expected) + 0.02


def arkit_landmarks() -> NDArray[np.float64]:
    """(478, 3) the open basis' face with wider eyes."""
    points = open_basis().neutral.astype(float)
    gap = points[UPPER_LIDS, 1] - points[LOWER_LIDS, 1]
    points[UPPER_LIDS, 1] += (WIDER - 1) * gap
    return points


def arkit_keys(points: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """(478, 3) cm of each control. Lids shut exactly at one; eyeLook turns the iris by 30 degrees."""
    basis = open_basis()
    keys = {name: np.zeros((LANDMARK_COUNT, 3)) for name in ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker")}
    keys["jawOpen"] = basis.jaw_displacement(np.array([[0.35, 0.0, 0.0]]))[0].astype(float)
    for name, amount in (("mouthFunnel", 0.4), ("mouthPucker", -0.3), ("mouthClose", 0.2)):
        keys[name][LIPS, 2] = amount
    gap = points[UPPER_LIDS, 1] - points[LOWER_LIDS, 1]
    for eye, side in enumerate(("Left", "Right")):
        blink, squint = np.zeros((2, LANDMARK_COUNT, 3))
        blink[UPPER_LIDS[eye], 1], blink[LOWER_LIDS[eye], 1] = -0.8 * gap[eye], 0.2 * gap[eye]
        squint[LOWER_LIDS[eye], 1] = 0.25 * gap[eye]
        keys[f"eyeBlink{side}"], keys[f"eyeSquint{side}"] = blink, squint
        outward = 1.0 if eye == 0 else -1.0
        for way, turn in (("Down", (0, -1)), ("Up", (0, 1)), ("In", (-outward, 0)), ("Out", (outward, 0))):
            look = np.zeros((LANDMARK_COUNT, 3))
            look[(IRIS_LEFT, IRIS_RIGHT)[eye], :2] = 1.2 * np.sin(GAZE_KEY_RADIANS) * np.array(turn)
            keys[f"eyeLook{way}{side}"] = look
    return keys


@pytest.fixture
def arkit_head() -> bpy.types.Object:
    """One small triangle per landmark, metres, Z up, no bones at all."""
    points = arkit_landmarks()
    place = 0.01 * builders.FLAME_IN_BLENDER.T
    corner = np.array([[0.0, 0.05, 0.0], [0.05, -0.03, 0.0], [-0.05, -0.03, 0.0]])
    vertices = (points[:, None] + corner).reshape(-1, 3)
    triangles = np.arange(len(vertices), dtype=np.int32).reshape(-1, 3)
    mesh = bpy.data.meshes.new("ArkitHead")
    mesh.from_pydata((vertices @ place).tolist(), [], triangles.tolist())
    obj = bpy.data.objects.new("ArkitHead", mesh)
    bpy.context.scene.collection.objects.link(obj)
    keys = arkit_keys(points)
    builders.add_keys(obj, list(keys), np.repeat(np.stack(list(keys.values())), 3, axis=1) @ place)
    valid = np.ones(LANDMARK_COUNT, bool)
    store_binding(obj, LandmarkBinding(triangles, np.tile(BARYCENTRIC, (LANDMARK_COUNT, 1)), valid, "test"))
    return obj


def test_arkit_head_with_wider_eyes_shuts_them_by_its_blink_keys(
    arkit_head: bpy.types.Object, blinking: Motion
) -> None:
    key_motion(arkit_head, blinking, SceneTiming(25.0, 1.0))
    shut, opened = shut_frames(blinking)[:4], open_frames(blinking)[:4]
    rest = lid_gaps(arkit_landmarks())
    assert lid_gaps(evaluated_landmarks(arkit_head, shut + 1)).max() < 0.08 * rest.max()
    assert lid_gaps(evaluated_landmarks(arkit_head, opened + 1)).mean() > 0.85 * rest.mean()
    blocks = arkit_head.data.shape_keys.key_blocks
    bpy.context.scene.frame_set(int(shut[0]) + 1)
    assert min(blocks["eyeBlinkLeft"].value, blocks["eyeBlinkRight"].value) > 0.93
    # that key lowers the lid too
    assert blocks["eyeLookDownLeft"].value < 0.05


def test_one_shut_eye_stays_one(arkit_head: bpy.types.Object) -> None:
    motion = resting(20)
    motion = motion.replace(head=0 * motion.head, expression=0 * motion.expression)
    wink = lid_chart(open_basis()).closed(motion.expression, np.tile([1.0, 0.0], (20, 1)))
    key_motion(arkit_head, motion.replace(expression=wink), SceneTiming(25.0, 1.0))
    bpy.context.scene.frame_set(5)
    blocks = arkit_head.data.shape_keys.key_blocks
    assert blocks["eyeBlinkLeft"].value > 0.9
    assert blocks["eyeBlinkRight"].value < 0.1


def test_eyes_without_bones_look_by_their_keys(arkit_head: bpy.types.Object, blinking: Motion) -> None:
    report = key_motion(arkit_head, blinking, SceneTiming(25.0, 1.0))
    assert report.keys_written % (FRAMES + 12) == 0
    blocks = arkit_head.data.shape_keys.key_blocks
    opened = open_frames(blinking)
    for frame in opened[np.abs(blinking.gaze[opened, 0]).argmax(axis=0)]:
        bpy.context.scene.frame_set(int(frame) + 1)
        for eye, (side, inward) in enumerate((("Left", -1.0), ("Right", 1.0))):
            pitch, yaw = blinking.gaze[frame, eye] / GAZE_KEY_RADIANS
            look = {way: blocks[f"eyeLook{way}{side}"].value for way in ("Down", "Up", "In", "Out")}
            # a lid that is a little down takes a little off
            assert look["Down"] - look["Up"] == pytest.approx(pitch, rel=0.1)
            assert inward * (look["In"] - look["Out"]) == pytest.approx(yaw, abs=1e-4)
            assert min(look["Down"], look["Up"]) == min(look["In"], look["Out"]) == 0.0


def test_a_look_to_the_side_is_not_taken_for_the_face_s_own_shape(
    arkit_head: bpy.types.Object, blinking: Motion
) -> None:
    before = read_rig(arkit_head)
    assert [key.name for key in before.gaze_keys] == [*GAZE_KEYS[:4], *GAZE_KEYS[4:]]
    assert not set(before.key_names) & set(GAZE_KEYS)
    key_motion(arkit_head, blinking, SceneTiming(25.0, 1.0))
    bpy.context.scene.frame_set(1 + int(np.abs(blinking.gaze[:, 0]).sum(axis=1).argmax()))
    np.testing.assert_array_equal(read_rig(arkit_head).vertices, before.vertices)


def test_still_eyes_write_no_eye_keys(arkit_head: bpy.types.Object) -> None:
    motion = resting(20)
    plan_report = key_motion(arkit_head, motion.replace(head=0 * motion.head), SceneTiming(25.0, 1.0))
    assert plan_report.keys_written == (20 + 12) * len(read_rig(arkit_head).key_names)


def with_eye_controls(obj: bpy.types.Object) -> bpy.types.Object:
    """A face panel's two bones: each drives up and down by one axis, in and out by the other."""
    panel = bpy.data.objects.new("Panel", bpy.data.armatures.new("Panel"))
    bpy.context.scene.collection.objects.link(panel)
    bpy.context.view_layer.objects.active = panel
    bpy.ops.object.mode_set(mode="EDIT")
    for name in ("CTRL eye Left", "CTRL eye Right"):
        bone = panel.data.edit_bones.new(name)
        bone.head, bone.tail = (0.0, 0.0, 0.0), (0.0, 0.0, 0.01)
    bpy.ops.object.mode_set(mode="OBJECT")
    for side in ("Left", "Right"):
        for way, axis in (("Up", "LOC_Y"), ("Down", "LOC_Y"), ("Out", "LOC_X"), ("In", "LOC_X")):
            sign = "-" if way in ("Down", "In") else ""
            driver = obj.data.shape_keys.driver_add(f'key_blocks["eyeLook{way}{side}"].value').driver
            variable = driver.variables.new()
            variable.name, variable.type, target = "way", "TRANSFORMS", variable.targets[0]
            target.id, target.bone_target, target.transform_type = panel, f"CTRL eye {side}", axis
            target.transform_space, driver.expression = "LOCAL_SPACE", f"max({sign}way * 20, 0)"
    return panel


def test_eyes_that_a_panel_drives_look_by_its_controls(arkit_head: bpy.types.Object, blinking: Motion) -> None:
    with_eye_controls(arkit_head)
    assert any("eyeLookUpLeft by CTRL eye Left" in line for line in describe_rig(arkit_head))
    key_motion(arkit_head, blinking, SceneTiming(25.0, 1.0))
    blocks = arkit_head.data.shape_keys.key_blocks
    opened = open_frames(blinking)
    frame = int(opened[np.abs(blinking.gaze[opened, 0]).sum(axis=1).argmax()])
    bpy.context.scene.frame_set(frame + 1)
    for eye, (side, inward) in enumerate((("Left", -1.0), ("Right", 1.0))):
        pitch, yaw = blinking.gaze[frame, eye] / GAZE_KEY_RADIANS
        look = {way: blocks[f"eyeLook{way}{side}"].value for way in ("Down", "Up", "In", "Out")}
        assert look["Down"] - look["Up"] == pytest.approx(pitch, rel=0.1)
        assert inward * (look["In"] - look["Out"]) == pytest.approx(yaw, abs=1e-4)


def test_a_gaze_key_that_two_controls_drive_is_left_out_and_named(arkit_head: bpy.types.Object) -> None:
    panel = with_eye_controls(arkit_head)
    drivers = arkit_head.data.shape_keys.animation_data.drivers
    driver = drivers.find('key_blocks["eyeLookUpLeft"].value').driver
    second = driver.variables.new()
    second.name, second.type, target = "both", "TRANSFORMS", second.targets[0]
    target.id, target.bone_target, target.transform_type = panel, "CTRL eye Right", "LOC_Z"
    target.transform_space, driver.expression = "LOCAL_SPACE", "max(way * 20 + both, 0)"
    rig = read_rig(arkit_head)
    assert "eyeLookUpLeft" not in rig.controls
    assert "eyeLookDownLeft" in rig.controls
    assert any("1 expression key" in line and "eyeLookUpLeft" in line for line in rig.warnings)
