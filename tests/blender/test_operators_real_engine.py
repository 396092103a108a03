# SPDX-License-Identifier: GPL-3.0-or-later
"""One click with the real engine process, the bundled demo inputs and the bundled weights."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.builders import snapshot  # noqa: E402
from tests.blender.fake_engine import EXTENSION, disable_checkout, enable_checkout, part  # noqa: E402
from tests.blender.one_blender import IN_ONE_BLENDER  # noqa: E402

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
INPUT = ROOT / "demo" / "input"
# landmark 13 and 14: the inner lips' middle
UPPER_LIP, LOWER_LIP = 13, 14


def bundled_files() -> dict[str, str]:
    return json.loads((ROOT / "vendor_models" / "checksums.json").read_text())


@pytest.fixture
def ready(tmp_path: Path) -> Iterator[Any]:
    """The demo head and the demo's files, with an engine of its own folder."""
    if "adamesh_base.safetensors" not in bundled_files():
        pytest.skip("the expression network is not in vendor_models yet: run `make train`")
    if not (INPUT / "reference.mp4").is_file():
        pytest.skip("the demo's inputs are missing: run `python -m research.training demo-inputs`")
    python = os.environ.get("MIMESH_ENGINE_PYTHON") or str(ROOT / ".venv" / "bin" / "python")
    if not Path(python).exists():
        pytest.skip("there is no Python with the engine's packages: run `make setup` or set MIMESH_ENGINE_PYTHON")
    enable_checkout()
    preferences = bpy.context.preferences.addons[EXTENSION].preferences
    preferences.engine_python, preferences.cache_folder = python, str(tmp_path)
    preferences.style_folder = str(tmp_path / "styles")
    bpy.ops.mimesh.add_demo_head()
    settings = bpy.context.scene.mimesh
    settings.speech_kind, settings.speech_file = "file", str(INPUT / "speech.ogg")
    settings.reference_kind, settings.reference_file = "file", str(INPUT / "reference.mp4")
    yield settings
    preferences.style_folder = ""
    disable_checkout()


def tracked(folder: Path) -> list[Path]:
    """The references that the engine has tracked and kept."""
    return list(folder.rglob("*.npz"))


def lip_gap(frame: int) -> float:
    """Metres between the inner lips on the evaluated mesh, in the jaw's parent space (head motion drops out)."""
    scene = bpy.context.scene
    scene.frame_set(frame)
    head = bpy.data.objects["MimeshHead"]
    mesh = head.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    lips = np.array(head.data["mimesh_landmark_triangles"]).reshape(-1, 3)[[UPPER_LIP, LOWER_LIP], 0]
    upper, lower = points.reshape(-1, 3)[lips]
    return float(np.linalg.norm(upper - lower))


@pytest.mark.skipif(sys.platform == "win32", reason="ends the engine with a POSIX signal")
def test_one_click_moves_the_lips_and_a_killed_engine_leaves_the_scene(ready: Any) -> None:
    session, properties = part("core.blender.session"), part("operators.properties")
    client = part("operators.engine_access").engine_client(bpy.context)
    before = snapshot()
    steps = session.generate_steps(bpy.context.scene, properties.freeze_settings(ready), client)
    while next(steps).stage != "Tracking the reference":
        pass
    os.kill(client._transport._process.pid, signal.SIGKILL)
    with pytest.raises(part("core.errors").EngineError, match="half-way"):
        for _ in steps:
            pass
    assert snapshot() == before

    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    gaps = np.array([lip_gap(frame) for frame in range(1, 200)])
    assert np.percentile(gaps, 95) - np.percentile(gaps, 5) > 0.003
    turns = [bpy.data.objects["MimeshHeadRig"].pose.bones["neck"].matrix_basis.to_euler().y]
    bpy.context.scene.frame_set(1)
    turns.append(bpy.data.objects["MimeshHeadRig"].pose.bones["neck"].matrix_basis.to_euler().y)
    assert abs(turns[0] - turns[1]) > 1e-4
    result = bpy.context.window_manager.mimesh_run.result
    assert "reference.mp4" in result


@IN_ONE_BLENDER
def test_a_style_from_a_movie_strip_serves_another_strip_without_tracking_again(ready: Any, tmp_path: Path) -> None:
    editor = bpy.context.scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    strips.new_movie("person", str(INPUT / "reference.mp4"), channel=1, frame_start=1)
    ready.reference_kind, ready.reference_strip = "strip", "person"
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    learnt = part("operators.styles").remembered_style()
    assert bpy.ops.mimesh.keep_style(name="Person") == {"FINISHED"}
    assert bpy.ops.mimesh.use_style(name="Person") == {"FINISHED"}

    if bpy.app.build_options.audaspace:
        other = strips.new_sound("other", str(INPUT / "speech.ogg"), channel=2, frame_start=11)
        other.frame_offset_start = 40
    else:
        strips.new_movie("other", str(INPUT / "reference.mp4"), channel=2, frame_start=11)
    ready.speech_kind, ready.speech_strip = "strip", "other"
    assert len(tracked(tmp_path)) == 1
    tracked(tmp_path)[0].unlink()
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert tracked(tmp_path) == []
    result = bpy.context.window_manager.mimesh_run.result
    assert "Style Person." in result
    assert "reference.mp4" not in result
    action = bpy.data.shape_keys[0].animation_data.action
    assert learnt.id in action["mimesh"]


@IN_ONE_BLENDER
def test_mimic_talks_and_mixes_a_style_that_was_kept(ready: Any) -> None:
    if "mimic.safetensors" not in bundled_files():
        pytest.skip("Mimic's network is not in vendor_models yet: run `python -m research.training mimic`")
    ready.engine = "mimic"
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    gaps = np.array([lip_gap(frame) for frame in range(1, 200)])
    assert np.percentile(gaps, 95) - np.percentile(gaps, 5) > 0.003
    learnt = part("operators.styles").remembered_style()
    assert learnt.mimic is not None and learnt.expression is None
    assert bpy.ops.mimesh.keep_style(name="Person") == {"FINISHED"}
    ready.second_style, ready.style_mix = "Person", 0.5
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert "Mixed with 50% of Person." in bpy.context.window_manager.mimesh_run.result
    # mixed with itself, the face is the same
    again = np.array([lip_gap(frame) for frame in range(1, 200)])
    np.testing.assert_allclose(again, gaps, atol=1e-4)
