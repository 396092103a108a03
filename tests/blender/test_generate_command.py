# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core generate`` in a real bpy, with a scripted engine in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
import numpy as np
import pytest

from core.blender.blend_file import find_character, place_sound, set_frame_rate
from core.blender.compat import owner_curves, sequencer_strips, strip_left, strip_right
from core.blender.demo_head import create_demo_head
from core.cli import generate as command
from core.cli.main import main
from core.errors import RigError, SettingsError
from core.exchange.media_range import MediaRange
from tests.blender.strips_made import write_samples
from tests.engine_fakes import ANSWER, client_of, scripted

pytestmark = pytest.mark.slow

WITH_SOUND = bpy.app.build_options.audaspace


def write_wav(path: Path, seconds: float = 2.0) -> Path:
    samples = 9000 * np.sin(np.arange(int(seconds * 16000)) * 0.2)
    return write_samples(path, samples)


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "talk.wav")


@pytest.fixture
def character(tmp_path: Path) -> Path:
    create_demo_head(bpy.context.scene)
    path = tmp_path / "head.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replaces the engine's script; a test may put another one in."""
    script = [scripted(ANSWER)]
    monkeypatch.setattr(command, "find_engine_python", lambda python: Path("unused"))
    monkeypatch.setattr(command, "EngineClient", lambda python, root, folder: client_of(script[0], folder))
    return script


def run(talk: Path, character: Path, out: Path, *more: str) -> int:
    return main(["generate", "--audio", str(talk), "--rig", str(character), "--out", str(out), *more])


def test_generate_writes_a_keyed_character_with_its_sound(
    talk: Path, character: Path, engine: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = character.read_bytes()
    out = tmp_path / "out.blend"
    assert run(talk, character, out, "--fps", "30", "--seed", "2") == 0
    assert character.read_bytes() == before
    bpy.ops.wm.open_mainfile(filepath=str(out))
    scene, head = bpy.context.scene, bpy.data.objects["MimeshHead"]
    assert scene.render.fps / scene.render.fps_base == 30.0
    curves = owner_curves(head.data.shape_keys)
    assert len(curves) > 10
    assert json.loads(head.data.shape_keys.animation_data.action["mimesh"])["run"]["seed"] == 2
    assert "Keyed 2.0 s of speech on MimeshHead" in capsys.readouterr().out
    if WITH_SOUND:
        (strip,) = sequencer_strips(scene)
        assert strip.type == "SOUND" and strip_left(strip) == scene.frame_start
        assert Path(bpy.path.abspath(strip.sound.filepath)).resolve() == talk.resolve()


def test_generating_into_the_same_file_replaces_our_own_work(talk: Path, character: Path, engine: list[str]) -> None:
    for seed in ("1", "2"):
        assert run(talk, character, character, "--seed", seed) == 0
    bpy.ops.wm.open_mainfile(filepath=str(character))
    ours = [action for action in bpy.data.actions if "mimesh" in action]
    assert {json.loads(action["mimesh"])["run"]["seed"] for action in ours if action.users} == {2}
    assert len(sequencer_strips(bpy.context.scene)) == (1 if WITH_SOUND else 0)


@pytest.mark.parametrize(
    ("body", "code"), [("raise MediaError('No speech.', '')", 2), ("os._exit(9)", 4), ("{}['bug']", 4)]
)
def test_failure_leaves_no_file_and_the_old_one_whole(
    body: str,
    code: int,
    talk: Path,
    character: Path,
    engine: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine[0] = scripted(body)
    out = tmp_path / "out.blend"
    out.write_bytes(b"last week's")
    assert run(talk, character, out) == code
    assert out.read_bytes() == b"last week's"
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("mimesh: ")]
    assert len(said) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["head.blend", "out.blend", "talk.wav"]


def test_action_of_an_artist_is_refused_before_the_engine_works(
    talk: Path, character: Path, engine: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = bpy.data.objects["MimeshHead"].data.shape_keys
    keys.key_blocks["Exp1"].keyframe_insert("value", frame=5)
    keys.animation_data.action.name = "Animator's smile"
    bpy.ops.wm.save_mainfile()
    engine[0] = scripted("os._exit(9)")
    assert run(talk, character, tmp_path / "out.blend") == 3
    assert "Animator's smile" in capsys.readouterr().err
    assert not (tmp_path / "out.blend").exists()
    engine[0] = scripted(ANSWER)
    assert run(talk, character, tmp_path / "out.blend", "--push-down") == 0


@pytest.mark.parametrize(
    ("option", "code", "word"),
    [
        (["--rig", "/no/such.blend"], 3, "does not exist"),
        (["--object", "Cube"], 3, "Cube"),
        (["--audio", "/no/talk.wav"], 2, "does not exist"),
        (["--fps", "0"], 2, "frame rate is 0"),
        (["--out", "out.txt"], 2, "should end in .blend"),
    ],
)
def test_wrong_input_is_one_sentence(
    option: list[str],
    code: int,
    word: str,
    talk: Path,
    character: Path,
    engine: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(talk, character, tmp_path / "out.blend", *option) == code
    assert word in capsys.readouterr().err
    assert not (tmp_path / "out.blend").exists()


def test_only_fitting_mesh_is_found_and_two_must_be_named() -> None:
    with pytest.raises(RigError, match="None of the file's 0 meshes"):
        find_character(None)
    create_demo_head(bpy.context.scene)
    bpy.ops.mesh.primitive_cube_add()
    assert find_character(None) == "MimeshHead"
    create_demo_head(bpy.context.scene)
    with pytest.raises(RigError, match=r"MimeshHead, MimeshHead\.001"):
        find_character(None)


@pytest.mark.parametrize("fps", [12.0, 23.976, 24000 / 1001, 25.0, 29.97, 30.0, 59.94, 60.0, 27.5])
def test_scene_rate_is_the_asked_one(fps: float) -> None:
    scene = bpy.context.scene
    set_frame_rate(scene, fps)
    assert scene.render.fps / scene.render.fps_base == pytest.approx(fps, rel=5e-5)


def test_impossible_rate_is_refused() -> None:
    with pytest.raises(SettingsError, match="frame rate"):
        set_frame_rate(bpy.context.scene, 1000.0)


@pytest.mark.skipif(not WITH_SOUND, reason="this Blender is built without sound")
def test_trimmed_sound_starts_where_its_keys_start(tmp_path: Path) -> None:
    from core.blender.read_scene import read_strip_range

    scene = bpy.context.scene
    scene.frame_start, scene.render.fps = 11, 24
    placement = place_sound(scene, MediaRange(write_wav(tmp_path / "long.wav", 10.0), 1.03, 6.0))
    (strip,) = sequencer_strips(scene)
    assert strip_left(strip) == 11
    # the file's second 1.03 sounds at this scene frame, by the strip itself
    shown = read_strip_range(strip, scene)
    sounds_at = shown.first_frame + (1.03 - shown.start_seconds) * 24
    assert placement.first_frame == pytest.approx(sounds_at, abs=1e-3)
    assert strip_right(strip) == pytest.approx(placement.first_frame + 4.97 * 24, abs=1.0)


def test_blender_without_sound_says_so_and_goes_on(tmp_path: Path, talk: Path) -> None:
    placement = place_sound(bpy.context.scene, MediaRange(talk))
    assert placement.first_frame == bpy.context.scene.frame_start
    assert ("not in the sequencer" in placement.note) == (not WITH_SOUND)
