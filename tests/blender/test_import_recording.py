# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of phones onto faces: the demo head speaks them, Apple's own keys get them as they are."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from core.arkit.live_link import write_live_link
from core.arkit.names import SHAPES
from core.arkit.recording import FaceRecording, recorded_motion
from core.blender.compat import owner_curves
from core.blender.demo_head import MESH_NAME, RIG_NAME, create_demo_head
from core.blender.export_scene import export_character
from core.blender.import_recording import ImportSettings, import_steps
from core.cli.generate import watched
from core.cli.main import main
from core.errors import EngineSetupError, MediaError, MimeshError
from core.face.basis import open_basis
from core.face.landmarks import LIPS
from tests.blender.rig_planned import arkit_head

FPS, COUNT = 60.0, 60


def take(folder: Path, name: str = "Take_1_iPhone.csv") -> tuple[Path, FaceRecording]:
    """A second at 60 fps: the jaw opens and shuts, the left corner smiles, one blink, the head nods."""
    values = np.zeros((COUNT, 52))
    phase = np.arange(COUNT) / COUNT * 2 * np.pi
    values[:, SHAPES.index("jawOpen")] = 0.25 * (1 - np.cos(phase))
    values[:, SHAPES.index("mouthSmileLeft")] = 0.4
    values[20:26, [SHAPES.index("eyeBlinkLeft"), SHAPES.index("eyeBlinkRight")]] = 1.0
    head = np.stack([0.2 * np.sin(phase), np.zeros(COUNT), np.zeros(COUNT)], axis=1)
    path = folder / name
    path.write_text(write_live_link(values, FPS, head))
    return path, FaceRecording(FPS, values, head)


def run(settings: ImportSettings) -> Any:
    return watched(import_steps(bpy.context.scene, settings, None))


def test_the_demo_head_speaks_a_recording_with_lips_and_head(tmp_path: Path) -> None:
    scene = bpy.context.scene
    scene.render.fps, scene.frame_end = 60, 70
    head = create_demo_head(scene)
    path, recording = take(tmp_path)
    report = run(ImportSettings(MESH_NAME, path, first_frame=5))
    assert report.keys_written > 100 and "Keyed 1.0 s" in report.describe()
    curves = {curve.data_path.split('"')[1]: curve for curve in owner_curves(head.data.shape_keys)}
    motion, basis = recorded_motion(recording), open_basis()
    # demo's keys are the basis' own components: their values on frame 5 + t are the motion's
    values = np.array([[curves[f"Exp{k + 1}"].evaluate(5 + t) for k in range(50)] for t in range(2, COUNT - 2)])
    shown = motion.part(2, COUNT - 2).replace(expression=values.astype(np.float32))
    gap = np.linalg.norm(basis.landmarks(shown) - basis.landmarks(motion.part(2, COUNT - 2)), axis=2)[:, LIPS]
    assert gap.mean() < 0.05
    neck = bpy.data.objects[RIG_NAME].pose.bones["neck"]
    turned = []
    for frame in (5 + 15, 5 + 45):
        scene.frame_set(frame)
        turned.append(neck.matrix.to_euler())
    assert abs(sum(a - b for a, b in zip(turned[0], turned[1], strict=True))) > 0.1


def test_apples_own_keys_get_the_recorded_values_and_go_out_again(tmp_path: Path) -> None:
    scene = bpy.context.scene
    scene.render.fps, scene.frame_start, scene.frame_end = 60, 1, COUNT
    face = arkit_head()
    path, recording = take(tmp_path)
    run(ImportSettings(face.name, path, first_frame=1))
    block = face.data.shape_keys.key_blocks["jawOpen"]
    for frame in (1, 10, 31, 50):
        scene.frame_set(frame)
        assert block.value == pytest.approx(recording.values[frame - 1, SHAPES.index("jawOpen")], abs=2e-3)
    export_character(scene, face.name, tmp_path / "again.csv")
    with (tmp_path / "again.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    again = np.array([float(row["JawOpen"]) for row in rows])
    np.testing.assert_allclose(again, recording.values[:, SHAPES.index("jawOpen")], atol=2e-3)
    smiles = np.array([float(row["MouthSmileLeft"]) for row in rows])
    np.testing.assert_allclose(smiles[3:-3], 0.4, atol=2e-3)


def test_the_command_writes_a_blend_and_a_wrong_file_has_its_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    create_demo_head(bpy.context.scene)
    rig = tmp_path / "head.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(rig))
    path, _ = take(tmp_path)
    out = tmp_path / "out.blend"
    assert main(["import", str(path), "--rig", str(rig), "--out", str(out), "--frame", "10"]) == 0
    assert "Keyed 1.0 s" in capsys.readouterr().out
    bpy.ops.wm.open_mainfile(filepath=str(out))
    keys = bpy.data.objects[MESH_NAME].data.shape_keys
    first = min(curve.range()[0] for curve in owner_curves(keys))
    assert first <= 10
    (tmp_path / "wrong.csv").write_text("Timecode,Left\n00:00:00:00,1\n")
    for wrong in ("wrong.csv", "gone.csv"):
        assert main(["import", str(tmp_path / wrong), "--rig", str(rig), "--out", str(tmp_path / "no.blend")]) == 2
    assert not (tmp_path / "no.blend").exists()


def test_what_is_refused_leaves_the_scene(tmp_path: Path) -> None:
    head = create_demo_head(bpy.context.scene)
    (tmp_path / "bad.json").write_text("[]")
    with pytest.raises(MediaError, match="no list of frames"):
        run(ImportSettings(MESH_NAME, tmp_path / "bad.json", 1))
    path, _ = take(tmp_path)
    with pytest.raises(MimeshError, match="no object called"):
        run(ImportSettings("Nobody", path, 1))
    assert head.data.shape_keys.animation_data is None
    stranger = arkit_head("Stranger")
    with pytest.raises(EngineSetupError, match="no engine is set up"):
        run(ImportSettings("Stranger", path, 1, solve=True))
    assert stranger.data.shape_keys.animation_data is None


def test_the_operator_imports_into_the_chosen_face(extension: None, tmp_path: Path) -> None:
    assert bpy.ops.mimesh.add_demo_head() == {"FINISHED"}
    path, _ = take(tmp_path)
    assert bpy.ops.mimesh.import_recording(filepath=str(path)) == {"FINISHED"}
    assert len(owner_curves(bpy.data.objects[MESH_NAME].data.shape_keys)) > 20
    with pytest.raises(RuntimeError, match="cannot be read"):
        bpy.ops.mimesh.import_recording(filepath=str(tmp_path / "gone.csv"))
