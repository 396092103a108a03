# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators as a script or ``blender -b`` calls them, with an engine that answers what each test wants."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.builders import snapshot  # noqa: E402
from tests.blender.fake_engine import (  # noqa: E402
    EXTENSION,
    FakeEngine,
    part,
    talking,
    use_engine,
)
from tests.blender.refusals import refused  # noqa: E402
from tests.pace import pace_seconds  # noqa: E402


def keyed_frames() -> int:
    """Keyframes on the demo head's shape keys."""
    action = bpy.data.shape_keys[0].animation_data.action
    return sum(len(curve.keyframe_points) for curve in part("core.blender.compat").action_curves(action))


def test_generate_writes_keys_that_move_the_mouth(ready: Any) -> None:
    engine = use_engine(FakeEngine(talking))
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert keyed_frames() > 1000
    assert engine.requests[0].audio.path.name == "talk.wav"
    openings = []
    for frame in (1, 7):
        bpy.context.scene.frame_set(frame)
        openings.append(bpy.data.objects["MimeshHeadRig"].pose.bones["jaw"].matrix_basis.to_euler().x)
    assert openings[1] - openings[0] > 0.1
    run = bpy.context.window_manager.mimesh_run
    assert run.result.startswith("Keyed 2.0 s of speech on MimeshHead")
    assert run.outcome == "done"
    assert not run.running


def test_generate_starts_the_keys_where_the_strip_sounds(ready: Any, tmp_path: Path) -> None:
    if not bpy.app.build_options.audaspace:
        pytest.skip("this build of Blender has no sound strips")
    use_engine(FakeEngine(talking))
    editor = bpy.context.scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    strips.new_sound("talk", str(tmp_path / "talk.wav"), channel=1, frame_start=31)
    ready.speech_kind, ready.speech_strip = "strip", "talk"
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert bpy.data.shape_keys[0].animation_data.action.frame_range[0] == 31 - 6


def test_keys_beyond_the_scenes_end_are_mentioned(ready: Any) -> None:
    use_engine(FakeEngine(lambda request: talking(request, seconds=4.0)))
    bpy.context.scene.frame_end = 50
    bpy.ops.mimesh.generate_lip_sync()
    assert "the scene ends at frame 50" in bpy.context.window_manager.mimesh_run.result
    assert bpy.context.scene.frame_end == 50


def test_generating_again_replaces_only_our_own_action(ready: Any) -> None:
    use_engine(FakeEngine(talking))
    bpy.ops.mimesh.generate_lip_sync()
    names = sorted(action.name for action in bpy.data.actions)
    ready.seed = 3
    bpy.ops.mimesh.generate_lip_sync()
    assert sorted(action.name for action in bpy.data.actions) == names


def test_generate_refuses_an_artists_action_before_starting_the_engine(ready: Any) -> None:
    engine = use_engine(FakeEngine(talking))
    artist_action()
    refused(bpy.ops.mimesh.generate_lip_sync, "Artist")
    assert engine.requests == []


def test_generate_keeps_an_artists_action_on_a_track_when_asked(ready: Any) -> None:
    use_engine(FakeEngine(talking))
    artist_action()
    ready.on_existing = "push_down"
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    data = bpy.data.shape_keys[0].animation_data
    names = [strip.action.name for track in data.nla_tracks for strip in track.strips]
    # Blender 5.0 needs a strip of ours at rest between them: see core/blender/rest_strip.py
    assert [name for name in names if name != "Mimesh Rest"] == ["Artist", "Mimesh MimeshHead"]


def test_one_undo_takes_all_keys_back(ready: Any) -> None:
    use_engine(FakeEngine(talking))
    bpy.ops.ed.undo_push(message="before")
    before = snapshot()
    bpy.ops.mimesh.generate_lip_sync("EXEC_DEFAULT", True)
    assert len(bpy.data.actions) == (1 if bpy.app.version >= (4, 4, 0) else 2)
    bpy.ops.ed.undo()
    assert snapshot() == before
    bpy.ops.ed.redo()
    assert len(bpy.data.actions) == (1 if bpy.app.version >= (4, 4, 0) else 2)


def test_invoke_in_background_runs_to_the_end(ready: Any) -> None:
    use_engine(FakeEngine(talking))
    assert bpy.ops.mimesh.generate_lip_sync("INVOKE_DEFAULT") == {"FINISHED"}
    assert keyed_frames() > 1000


def test_cancelling_at_any_step_leaves_the_scene_and_stops_the_job(ready: Any) -> None:
    session, properties = part("core.blender.session"), part("operators.properties")
    before = snapshot()
    for stop_after in range(1, 9):
        engine = FakeEngine(talking)
        request = properties.freeze_settings(ready)
        steps = session.generate_steps(bpy.context.scene, request, engine)
        for _ in range(stop_after):
            next(steps)
        steps.close()
        assert snapshot() == before
        assert all(job.cancelled for job in engine.jobs)


def test_a_pressed_cancel_ends_the_run_as_cancelled(ready: Any) -> None:
    run = bpy.context.window_manager.mimesh_run

    def cancel_meanwhile(request: Any) -> Any:
        raise AssertionError("must not be asked for a result")

    engine = use_engine(FakeEngine(cancel_meanwhile, polls=40))
    poll = engine._job

    def job_that_presses_cancel(answer: Any) -> Any:
        job = poll(answer)
        real = job.poll

        def press() -> Any:
            run.cancel_requested = len(job.statuses) < 35
            return real()

        job.poll = press
        return job

    engine._job = job_that_presses_cancel  # type: ignore[method-assign]
    before = snapshot()
    assert bpy.ops.mimesh.generate_lip_sync() == {"CANCELLED"}
    assert snapshot() == before
    assert run.outcome == "cancelled"
    assert engine.jobs[0].cancelled


def test_clear_removes_our_actions_and_keeps_the_artists(ready: Any) -> None:
    use_engine(FakeEngine(talking))
    bpy.ops.mimesh.generate_lip_sync()
    bpy.context.scene.frame_set(7)
    kept = bpy.data.actions.new("Artist")
    kept.use_fake_user = True
    assert bpy.ops.mimesh.clear_animation() == {"FINISHED"}
    assert [action.name for action in bpy.data.actions] == ["Artist"]
    assert all(key.value == 0.0 for key in bpy.data.shape_keys[0].key_blocks[1:])
    bones = bpy.data.objects["MimeshHeadRig"].pose.bones
    assert all(abs(bone.matrix_basis.to_euler().x) < 1e-6 for bone in bones)


def test_clear_leaves_an_artists_action_alone(ready: Any) -> None:
    artist_action()
    assert bpy.ops.mimesh.clear_animation() == {"CANCELLED"}
    assert bpy.data.shape_keys[0].animation_data.action.name == "Artist"


def test_pick_fills_in_the_only_candidates(extension: None, tmp_path: Path) -> None:
    bpy.ops.mimesh.add_demo_head()
    settings = bpy.context.scene.mimesh
    settings.target = None
    assert bpy.ops.mimesh.pick_sources() == {"FINISHED"}
    assert settings.target.name == "MimeshHead"
    assert settings.speech_strip == ""


def test_setup_is_refused_without_online_access(extension: None) -> None:
    assert not bpy.app.online_access
    with pytest.raises(RuntimeError, match="Allow Online Access"):
        bpy.ops.mimesh.setup_engine()


def test_clearing_the_cache_removes_only_what_the_engine_wrote(extension: None, tmp_path: Path) -> None:
    preferences = bpy.context.preferences.addons[EXTENSION].preferences
    preferences.cache_folder = str(tmp_path)
    for name in ("cache/a.npz", "cache/b.safetensors", "jobs/1/motion.npz", "cache/notes.txt", "mine.npz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    bpy.ops.mimesh.measure_cache()
    assert "3 files" in bpy.context.window_manager.mimesh_run.cache_status
    assert bpy.ops.mimesh.clear_cache() == {"FINISHED"}
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["mine.npz", "notes.txt"]


def test_a_run_of_ten_seconds_spends_little_outside_the_engine(ready: Any) -> None:
    use_engine(FakeEngine(lambda request: talking(request, seconds=10.0), polls=1))
    bpy.ops.mimesh.generate_lip_sync()
    # processor time: what else the machine is doing must not decide
    started = time.process_time()
    bpy.ops.mimesh.generate_lip_sync()
    assert time.process_time() - started < 10 * pace_seconds()


def artist_action() -> None:
    """Somebody's own animation of the first key."""
    keys = bpy.data.shape_keys[0]
    keys.key_blocks["Exp1"].value = 0.5
    keys.key_blocks["Exp1"].keyframe_insert("value", frame=1)
    keys.animation_data.action.name = "Artist"


def test_the_rig_is_checked_and_corrected_before_a_run(ready: Any) -> None:
    run, face = bpy.context.window_manager.mimesh_run, ready.target
    before = snapshot()
    assert bpy.ops.mimesh.check_face_rig() == {"FINISHED"}
    assert snapshot() == before
    lines = run.rig_report.splitlines()
    assert lines[0].startswith("FLAME: 50 keys")
    assert any(line.startswith("Bones: jaw by jaw, head by neck") for line in lines)
    face.mimesh_face_rig.head = "root"
    assert face["mimesh_head_bone"] == "root"
    bpy.ops.mimesh.check_face_rig()
    assert "head by root" in run.rig_report
    face.mimesh_face_rig.head = ""
    assert "mimesh_head_bone" not in face
    assert bpy.ops.mimesh.name_face_key(key="Exp50", meaning="") == {"FINISHED"}
    bpy.ops.mimesh.check_face_rig()
    assert "Left out: Exp50" in run.rig_report
    with pytest.raises(RuntimeError, match='no shape key called "Nose"'):
        bpy.ops.mimesh.name_face_key(key="Nose", meaning="jawOpen")
    assert bpy.ops.mimesh.name_face_key(key="Exp50", forget=True) == {"FINISHED"}
    assert "mimesh_keys" not in face
