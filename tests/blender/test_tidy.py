# SPDX-License-Identifier: GPL-3.0-or-later
"""Tidy keys, measured on the mesh as Blender moves it: few keys, lips within the error, all put back again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import FakeEngine, part  # noqa: E402
from tests.blender.test_adjust import curves, digest, engine, face, line  # noqa: E402, F401

pytestmark = pytest.mark.slow
EDITED = ('key_blocks["Exp2"].value', 0)


def landmarks(first: int, last: int) -> Any:
    """(T, 478, 3) millimetres on the evaluated mesh; the demo head is in metres."""
    binding = part("core.blender.read_rig").read_rig(face()).binding
    found = []
    for frame in range(first, last + 1):
        bpy.context.scene.frame_set(frame)
        mesh = face().evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
        points = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", points)
        found.append(binding.points(points.reshape(-1, 3)))
    return 1000.0 * np.array(found)


def key_count() -> int:
    return sum(len(curve.keyframe_points) for curve in curves().values())


def span() -> tuple[int, int]:
    first, last = curves()[EDITED].range()
    return int(first), int(last)


def gaps(points: Any) -> Any:
    pairs = points[:, part("core.rig.correspond").LIP_PAIRS[2:7]]
    return np.linalg.norm(pairs[:, :, 0] - pairs[:, :, 1], axis=-1).mean(axis=1)


def test_lips_stay_within_the_error_and_closed_and_all_comes_back(line: Any) -> None:  # noqa: F811
    before, keys, as_made = landmarks(*span()), key_count(), digest()
    assert bpy.ops.mimesh.tidy_keys() == {"FINISHED"}
    assert line.tidy_mm == pytest.approx(0.3)
    assert 5 * key_count() <= keys
    after = landmarks(*span())
    lips = part("core.face.landmarks").LIPS
    assert 0 < np.linalg.norm(after - before, axis=-1)[:, lips].max() <= 0.3
    shut = gaps(before) < gaps(before)[0] + 0.3
    assert shut.sum() >= 4
    assert (gaps(after) - gaps(before))[shut].max() < 0.2
    assert bpy.ops.mimesh.tidy_keys(error_mm=0.0) == {"FINISHED"}
    assert digest() == as_made


def test_the_artists_keys_stay_through_tidying_and_another_generation(
    line: Any,  # noqa: F811
    engine: FakeEngine,  # noqa: F811
) -> None:
    edited = {}
    for index in range(20, 30):
        key = curves()[EDITED].keyframe_points[index]
        key.co.y += 0.3
        edited[key.co.x] = key.co.y
    removed = curves()[EDITED].keyframe_points[50].co.x
    curves()[EDITED].keyframe_points.remove(curves()[EDITED].keyframe_points[50])
    keys = key_count()

    def stay() -> None:
        present = {key.co.x: key.co.y for key in curves()[EDITED].keyframe_points}
        assert {frame: present[frame] for frame in edited} == edited
        assert removed not in present

    assert bpy.ops.mimesh.adjust_line(tidy_mm=0.5, keys_on=2) == {"FINISHED"}
    stay()
    assert 5 * key_count() <= keys
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    stay()
    assert 5 * key_count() <= keys
    line.mouth = 1.2
    stay()
    assert 5 * key_count() <= keys
    line.mouth, line.tidy_mm = 1.0, 0.0
    stay()
    assert key_count() == keys
    assert len(engine.requests) == 2


def rough() -> int:
    record = part("core.blender.tags").record
    return sum(bool(record(action, "mimesh_adjust").get("rough")) for action in bpy.data.actions)


def test_a_dragged_slider_follows_at_once_and_the_line_is_tidied_anew_afterwards(line: Any) -> None:  # noqa: F811
    drag = part("operators.adjust").adjust_now
    line.tidy_mm, line.mouth = 0.3, 1.4
    wanted, keys = digest(), key_count()
    line.mouth = 1.0
    tidy = digest()
    for mouth in (1.1, 1.3, 1.4):
        assert drag(bpy.context, {"mouth": mouth}, dragged=True) == ""
        assert rough() > 0
        assert keys / 2 < key_count() < 3 * keys
    assert part("core.blender.adjust").settle_lines() == 1
    assert rough() == 0
    assert digest() == wanted
    assert part("core.blender.adjust").settle_lines() == 0
    drag(bpy.context, {"mouth": 1.0, "lead_frames": 2.0}, dragged=True)
    drag(bpy.context, {"lead_frames": 0.0}, dragged=True)
    part("core.blender.adjust").settle_lines()
    assert digest() == tidy


def test_a_dragged_slider_opens_no_closure_and_leaves_the_artists_keys(line: Any) -> None:  # noqa: F811
    line.mouth = 1.4
    before = landmarks(*span())
    line.mouth, line.tidy_mm = 1.0, 0.5
    key = curves()[EDITED].keyframe_points[10]
    key.co.y += 0.3
    edited = key.co.x, key.co.y
    assert part("operators.adjust").adjust_now(bpy.context, {"mouth": 1.4}, dragged=True) == ""
    after = landmarks(*span())
    assert edited in {(key.co.x, key.co.y) for key in curves()[EDITED].keyframe_points}
    shut = gaps(before) < gaps(before)[0] + 0.3
    assert shut.sum() >= 4
    assert (gaps(after) - gaps(before))[shut].max() < 0.3


def test_a_line_on_twos_tells_how_far_its_lips_are_off(line: Any) -> None:  # noqa: F811
    said = part("operators.adjust").current_miss
    assert bpy.ops.mimesh.adjust_line(tidy_mm=0.3) == {"FINISHED"}
    assert said(bpy.context) == ""
    assert bpy.ops.mimesh.adjust_line(tidy_mm=0.1, keys_on=3) == {"FINISHED"}
    assert said(bpy.context).startswith("On threes the lips are up to ")
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert "On threes the lips are up to" in bpy.context.window_manager.mimesh_run.result
    line.keys_on = 1
    assert said(bpy.context) == ""
