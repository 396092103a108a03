# SPDX-License-Identifier: GPL-3.0-or-later
"""Import FLAME in real Blender, from a made file of its layout."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from core.blender.import_flame import FlameImport, import_flame_file, key_pose_correctives
from core.errors import ModelError, RigError
from core.rig.flame_file import read_flame
from tests.blender import builders
from tests.flame_made import VERTICES, flame_arrays


@pytest.fixture
def flame_path(tmp_path: Path) -> Path:
    path = tmp_path / "flame.npz"
    np.savez(path, **flame_arrays())
    return path


def to_flame(points: np.ndarray) -> np.ndarray:
    return np.stack([points[:, 0], points[:, 2], -points[:, 1]], axis=-1)


def test_head_has_flames_keys_bones_and_weights(flame_path: Path) -> None:
    head = import_flame_file(bpy.context.scene, flame_path, FlameImport(expressions=10, shapes=3, correctives=True))
    names = [block.name for block in head.data.shape_keys.key_blocks]
    assert names[1:4] == ["Shape1", "Shape2", "Shape3"]
    assert names[4:14] == [f"Exp{i}" for i in range(1, 11)]
    assert names[14:] == [f"Pose{i}" for i in range(1, 37)]
    assert [bone.name for bone in head.parent.data.bones] == ["root", "neck", "jaw", "left_eye", "right_eye"]
    assert head.parent.data.bones["jaw"].parent.name == "neck"
    head.data.shape_keys.key_blocks["Exp1"].value = 1.0
    moved = to_flame(builders.evaluated_vertices(head))
    np.testing.assert_allclose(moved, flame_arrays()["v_template"] + [0, 0.01, 0], atol=1e-5)


def test_jaw_turns_the_skin_as_flame_does(flame_path: Path) -> None:
    """Linear blend skinning of FLAME's own, worked out here."""
    head, model = import_flame_file(bpy.context.scene, flame_path, FlameImport()), read_flame(flame_path)
    jaw = head.parent.pose.bones["jaw"]
    jaw.rotation_mode, jaw.rotation_euler = "XYZ", (0.3, 0.0, 0.0)
    turn = np.array([[1, 0, 0], [0, np.cos(0.3), -np.sin(0.3)], [0, np.sin(0.3), np.cos(0.3)]])
    arm = model.vertices - model.joints[2]
    wanted = model.vertices + model.weights[:, 2:3] * (arm @ (turn - np.eye(3)).T)
    np.testing.assert_allclose(to_flame(builders.evaluated_vertices(head)), wanted, atol=1e-5)


def test_correctives_are_keyed_frame_by_frame(flame_path: Path) -> None:
    head, model = (
        import_flame_file(bpy.context.scene, flame_path, FlameImport(correctives=True)),
        read_flame(flame_path),
    )
    jaw = head.parent.pose.bones["jaw"]
    jaw.rotation_mode = "XYZ"
    for frame, angle in ((1, 0.0), (5, 0.4)):
        jaw.rotation_euler = (angle, 0.0, 0.0)
        jaw.keyframe_insert("rotation_euler", frame=frame)
    assert key_pose_correctives(head, 1, 5) == 36 * 5
    bpy.context.scene.frame_set(5)
    blocks = head.data.shape_keys.key_blocks
    turn = np.array([[1, 0, 0], [0, np.cos(0.4), -np.sin(0.4)], [0, np.sin(0.4), np.cos(0.4)]]) - np.eye(3)
    keyed = np.array([blocks[f"Pose{9 + i + 1}"].value for i in range(9)])
    np.testing.assert_allclose(keyed, turn.ravel(), atol=1e-4)
    assert model.pose_correctives.shape == (36, VERTICES, 3)


def test_head_without_pose_keys_is_told_how_to_get_them(flame_path: Path) -> None:
    head = import_flame_file(bpy.context.scene, flame_path, FlameImport())
    with pytest.raises(RigError, match="Pose Correctives"):
        key_pose_correctives(head, 1, 2)


def test_refused_file_leaves_the_scene_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "x.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    before = builders.snapshot()
    with pytest.raises(ModelError, match="refused"):
        import_flame_file(bpy.context.scene, tmp_path / "x.pkl", FlameImport())
    assert builders.snapshot() == before
