# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that cannot do what is asked: one sentence, and the scene as it was."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import (  # noqa: E402
    FakeEngine,
    failing,
    part,
    talking,
    use_engine,
)
from tests.blender.refusals import refused  # noqa: E402


def test_a_missing_file_is_one_sentence(ready: Any, tmp_path: Path) -> None:
    engine = use_engine(FakeEngine(talking))
    ready.speech_file = str(tmp_path / "gone.wav")
    assert "gone.wav does not exist" in refused(bpy.ops.mimesh.generate_lip_sync, "does not exist")
    assert engine.requests == []


def test_an_engine_that_dies_half_way_changes_nothing(ready: Any) -> None:
    use_engine(FakeEngine(failing("engine", "The engine stopped half-way, in 'track', with code -9.", "Try again.")))
    refused(bpy.ops.mimesh.generate_lip_sync, "stopped half-way")


def test_silent_audio_changes_nothing(ready: Any) -> None:
    use_engine(FakeEngine(failing("media", "The sound of talk.wav is silent (peak 0.00000 of full scale).")))
    refused(bpy.ops.mimesh.generate_lip_sync, "silent")


def test_a_reference_without_a_face_changes_nothing(ready: Any) -> None:
    use_engine(
        FakeEngine(failing("reference", "No face was found in clip.mp4.", "Choose a clip that shows the person."))
    )
    refused(bpy.ops.mimesh.generate_lip_sync, "No face")


def test_a_motion_of_another_basis_changes_nothing(ready: Any) -> None:
    def foreign(request: Any) -> Any:

        result = talking(request)
        return dataclasses.replace(result, motion=result.motion.replace(basis_hash="f" * 64))

    use_engine(FakeEngine(foreign))
    refused(bpy.ops.mimesh.generate_lip_sync, "basis")


def test_a_bug_becomes_a_sentence_and_changes_nothing(ready: Any) -> None:
    def broken(request: Any) -> Any:
        raise ZeroDivisionError("division by zero")

    use_engine(FakeEngine(broken))
    refused(bpy.ops.mimesh.generate_lip_sync, "failed unexpectedly")


def test_a_failure_while_writing_puts_everything_back(ready: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    use_engine(FakeEngine(talking))
    apply = part("core.blender.write_action")
    write, written = apply.write_new_curve, []

    def fail_at_the_tenth(*arguments: Any) -> Any:
        written.append(arguments)
        if len(written) == 10:
            raise MemoryError
        return write(*arguments)

    monkeypatch.setattr(apply, "write_new_curve", fail_at_the_tenth)
    refused(bpy.ops.mimesh.generate_lip_sync, "MemoryError")
    assert len(written) == 10


def test_a_mesh_without_keys_is_refused_by_poll_with_the_reason(ready: Any) -> None:
    plain = bpy.data.objects.new("Plain", bpy.data.meshes.new("Plain"))
    bpy.context.scene.collection.objects.link(plain)
    ready.target = plain
    assert not bpy.ops.mimesh.generate_lip_sync.poll()
    refused(bpy.ops.mimesh.generate_lip_sync, "Plain has no shape keys")


def test_an_unknown_mesh_without_a_visible_face_changes_nothing(ready: Any) -> None:
    mesh = bpy.data.meshes.new("Cube")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], [], [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)])
    cube = bpy.data.objects.new("Cube", mesh)
    bpy.context.scene.collection.objects.link(cube)
    for name in ("Basis", "Exp1", "Exp2"):
        cube.shape_key_add(name=name, from_mix=False).value = 0.0
    mesh.shape_keys.key_blocks["Exp1"].data[0].co.x = 0.1
    ready.target = cube
    engine = use_engine(FakeEngine(talking))
    refused(bpy.ops.mimesh.generate_lip_sync, "No face was recognised")
    assert engine.pictures >= 1
    assert "mimesh_landmark_valid" not in mesh
    assert all(job.cancelled for job in engine.jobs)


def test_no_engine_is_explained(ready: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIMESH_ENGINE_PYTHON", raising=False)
    part("operators.engine_access").forget_engine_python()
    refused(bpy.ops.mimesh.generate_lip_sync, "engine is not set up")
