# SPDX-License-Identifier: GPL-3.0-or-later
"""A line in layers: split and joined without loss, and everything that works on a line works on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import FakeEngine, part  # noqa: E402
from tests.blender.line_keys import line_curves, line_digest  # noqa: E402
from tests.blender.sheet_bench import make_edit, mouth_at, move, states, tone, use_sheet_engine  # noqa: E402

AT = 20


@pytest.fixture
def names(extension: None, tmp_path: Path) -> list[str]:
    """Four generated lines; the sliders are of Anna's first."""
    made = make_edit(tmp_path, 4)
    bpy.context.scene.mimesh.target = bpy.data.objects["Anna"]
    return made


@pytest.fixture
def engine(extension: None, names: list[str]) -> FakeEngine:
    fake = use_sheet_engine()
    assert bpy.ops.mimesh.generate_sheet() == {"FINISHED"}
    bpy.context.scene.mimesh_adjust.line = names[0]
    return fake


def layers() -> dict[str, Any]:
    return part("operators.layers").current_layers(bpy.context)


def jaw_at(frame: int) -> list[float]:
    bpy.context.scene.frame_set(frame)
    armature = part("core.blender.armature").find_armature(bpy.data.objects["Anna"])
    return [round(value, 4) for value in armature.pose.bones["jaw"].rotation_quaternion]


def playing() -> list[tuple[str, list[str]]]:
    """The active action of keys and bones, and the strips of their NLA."""
    anna = bpy.data.objects["Anna"]
    owners = (anna.data.shape_keys, part("core.blender.armature").find_armature(anna))
    blocks = [owner.animation_data for owner in owners]
    return [
        (block.action.name if block.action else "", [s.name for t in block.nla_tracks for s in t.strips])
        for block in blocks
    ]


def pose(frame: int = AT) -> tuple[list[float], list[float]]:
    return mouth_at("Anna", frame), jaw_at(frame)


def layer_curve(which: str, place: int) -> Any:
    return part("core.blender.compat").strip_curves(layers()[which][0].strip)[place]


def test_a_line_is_split_and_joined_without_loss(names: list[str], engine: FakeEngine) -> None:
    before, shown, active = {name: line_digest(name) for name in names}, pose(), playing()
    actions = len(bpy.data.actions)
    assert bpy.ops.mimesh.layer_line() == {"FINISHED"}
    assert set(layers()) == {"face", "jaw", "head"}
    assert pose() == shown
    assert {name: line_digest(name) for name in names} == before
    assert set(states().values()) == {"done"}
    assert bpy.ops.mimesh.unlayer_line() == {"FINISHED"}
    assert pose() == shown
    assert {name: line_digest(name) for name in names} == before
    assert len(bpy.data.actions) == actions
    # where it was before, for the Dope Sheet to show
    assert playing() == active
    assert set(states().values()) == {"done"}


def test_an_influence_takes_a_part_to_rest_and_leaves_the_others(names: list[str], engine: FakeEngine) -> None:
    (keys, jaw), other = pose(), pose(11 + 120 + 9)
    bpy.ops.mimesh.layer_line()
    bpy.context.scene.mimesh_layers.jaw = 0.0
    assert pose() == (keys, [1.0, 0.0, 0.0, 0.0])
    bpy.context.scene.mimesh_layers.jaw = 1.0
    bpy.context.scene.mimesh_layers.face = 0.5
    assert pose()[0] == pytest.approx([value / 2 for value in keys], abs=2e-4)
    assert pose()[1] == jaw
    # other lines of the same face are as they were
    assert pose(11 + 120 + 9) == other
    layers()["face"][0].track.mute = True
    assert pose()[0] == pytest.approx([0.0] * len(keys), abs=1e-6)


def test_layers_of_a_hidden_character_show_whole(names: list[str], engine: FakeEngine) -> None:
    target = bpy.context.scene.mimesh.target
    for item in (target, target.parent):
        item.hide_set(True)
    bpy.ops.mimesh.layer_line()
    shown = bpy.context.scene.mimesh_layers
    assert (shown.face, shown.jaw, shown.head) == (1.0, 1.0, 1.0)


def test_keys_edited_in_a_layer_stay_through_everything(names: list[str], engine: FakeEngine, tmp_path: Path) -> None:
    bpy.ops.mimesh.layer_line()
    curve = layer_curve("face", 3)
    path = curve.data_path
    curve.keyframe_points[9].co[1] += 0.5
    curve.keyframe_points[9].type = "EXTREME"
    curve.update()
    wanted = (curve.keyframe_points[9].co[0], round(curve.keyframe_points[9].co[1], 4))
    bpy.context.scene.mimesh_layers.jaw = 0.25

    def stays(shift: float = 0.0) -> None:
        for curves in (part("core.blender.compat").strip_curves(layers()["face"][0].strip), line_curves(names[0])):
            keys = [k for c in curves if c.data_path == path for k in c.keyframe_points if k.type == "EXTREME"]
            assert [(k.co[0] - shift, round(k.co[1], 4)) for k in keys] == [wanted]
        assert bpy.context.scene.mimesh_layers.jaw == pytest.approx(0.25)

    before = pose()
    bpy.context.scene.mimesh_adjust.jaw = 0.5
    stays()
    assert pose() != before
    bpy.context.scene.mimesh_adjust.tidy_mm = 0.3
    stays()
    bpy.context.scene.mimesh_adjust.tidy_mm = 0.0
    scene = bpy.context.scene
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 17, 30
    assert bpy.ops.mimesh.retake() == {"FINISHED"}
    assert bpy.ops.mimesh.accept_take() == {"FINISHED"}
    stays()
    move(names[0], 5)
    bpy.ops.mimesh.generate_sheet()
    stays(5)
    tone(tmp_path / "line0.wav", 0.21)
    bpy.ops.mimesh.generate_sheet()
    stays(5)
    assert states()[names[0]] == "edited"
    assert bpy.ops.mimesh.unlayer_line() == {"FINISHED"}
    keys = [k for c in line_curves(names[0]) if c.data_path == path for k in c.keyframe_points if k.type == "EXTREME"]
    assert [(k.co[0] - 5, round(k.co[1], 4)) for k in keys] == [wanted]


def test_clear_takes_layers_along(names: list[str], engine: FakeEngine) -> None:
    bpy.ops.mimesh.layer_line()
    assert bpy.ops.mimesh.clear_animation() == {"FINISHED"}
    keys = bpy.data.objects["Anna"].data.shape_keys
    assert not [track.name for track in keys.animation_data.nla_tracks]
    assert pose() == ([0.0] * 5, [1.0, 0.0, 0.0, 0.0])
