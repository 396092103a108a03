# SPDX-License-Identifier: GPL-3.0-or-later
"""A line's motion stays with its keys: through saving, appending, undo and another head, and is missed in words."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import (  # noqa: E402
    FakeEngine,
    part,
    talking,
    use_engine,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def baked(ready: Any) -> Any:
    """The demo head talking in a style, by an engine that gives the plain version too."""
    use_engine(FakeEngine(styled))
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    return ready


def styled(request: Any) -> Any:
    """A styled line and the same at half its size as the plain one."""
    result = talking(request)
    plain = result.motion.replace(expression=0.5 * result.motion.expression)
    return dataclasses.replace(result, plain=plain)


def face() -> Any:
    return bpy.data.objects["MimeshHead"]


def kept() -> Any:
    module = part("core.blender.kept")
    (line,) = module.kept_lines(face())
    return module.load(line)


def same(one: Any, other: Any) -> bool:
    """Whether two kept motions hold the same bits."""
    return bool(one.pack() == other.pack())


def test_the_delivered_and_the_plain_motion_are_kept_within_half_precision(baked: Any) -> None:
    motion = kept()
    expected = styled(
        part("core.exchange.request").MotionRequest(part("core.exchange.media_range").MediaRange(Path()))
    )
    assert np.allclose(motion.motion.expression, expected.motion.expression, atol=5e-4)
    assert np.allclose(motion.plain.expression, expected.plain.expression, atol=5e-4)
    assert np.allclose(motion.motion.head, expected.motion.head, atol=1e-4)
    assert motion.strength == 1.0
    assert (motion.timing.fps, motion.timing.first_frame) == (24.0, 1.0)
    assert motion.solved.key_values.shape == motion.plain_solved.key_values.shape == (50, 50)
    # two seconds of speech, solved and unsolved, styled and plain
    assert len(motion.pack()) < 16_000


def test_the_keys_are_those_of_the_kept_motion(baked: Any) -> None:
    motion, compat = kept(), part("core.blender.compat")
    (curve,) = [c for c in compat.owner_curves(face().data.shape_keys) if '"Exp1"' in c.data_path]
    # the sound's first sample is at frame 1, where both clocks agree
    assert curve.evaluate(1.0) == pytest.approx(float(motion.solved.key_values[0, 0]), abs=1e-6)


def test_a_saved_and_an_appended_face_keep_their_motion(baked: Any, tmp_path: Path) -> None:
    before, path = kept(), str(tmp_path / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert same(kept(), before)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(path) as (_, target):
        target.objects = ["MimeshHead"]
    bpy.context.scene.collection.objects.link(target.objects[0])
    assert same(kept(), before)


def test_undo_takes_the_motion_back_with_the_keys(baked: Any) -> None:
    before = kept()
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="first")
    part("operators.engine_access").use_engine_maker(
        lambda *_: FakeEngine(lambda request: talking(request, seconds=1.0))
    )
    bpy.ops.mimesh.generate_lip_sync()
    bpy.ops.ed.undo_push(message="second")
    assert len(kept().motion) == 25
    bpy.ops.ed.undo()
    assert same(kept(), before)


def test_a_lost_motion_is_told_and_made_by_generating_again(baked: Any) -> None:
    module, tags = part("core.blender.kept"), part("core.blender.tags")
    before = kept()
    del face().data.shape_keys.animation_data.action[tags.KEPT_PROPERTY]
    (line,) = module.kept_lines(face())
    assert not line.has_motion
    with pytest.raises(part("core.errors").RigError, match=r"is not kept in this file.*Generate it again"):
        module.load(line)
    bpy.ops.mimesh.generate_lip_sync()
    assert same(kept(), before)


def test_a_damaged_motion_is_told(baked: Any) -> None:
    tags = part("core.blender.tags")
    action = face().data.shape_keys.animation_data.action
    whole = bytes(action[tags.KEPT_PROPERTY])
    for damaged in (whole[:300], b"other" + whole, whole[:200] + b"xxxx" + whole[204:]):
        action[tags.KEPT_PROPERTY] = damaged
        with pytest.raises(part("core.errors").ModelError, match="Generate the line again"):
            kept()


def test_a_mesh_of_other_keys_has_another_digest(baked: Any) -> None:
    digest, read_rig = part("core.direct.kept_motion").rig_digest, part("core.blender.read_rig").read_rig
    before = digest(read_rig(face()))
    assert before == digest(read_rig(face())) == kept().rig
    face().data.shape_keys.key_blocks["Exp3"].data[5000].co.x += 0.5
    flat = np.empty(3 * len(face().data.vertices), np.float32)
    face().data.shape_keys.key_blocks["Exp3"].data.foreach_get("co", flat)
    face().data.shape_keys.key_blocks["Exp3"].data.foreach_set("co", 1.01 * flat)
    assert digest(read_rig(face())) != before


def test_a_motion_is_replaced_whole(baked: Any) -> None:
    module = part("core.blender.kept")
    (line,) = module.kept_lines(face())
    other = kept().with_head(np.zeros((50, 3), np.float32), np.zeros((50, 2, 2), np.float32))
    module.keep(face(), line.line, other)
    assert same(kept(), other)
