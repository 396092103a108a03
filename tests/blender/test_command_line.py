# SPDX-License-Identifier: GPL-3.0-or-later
"""``blender -c mimesh``: the registered command in the file that is open, with a scripted engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest

from tests.blender.fake_engine import disable_checkout, enable_checkout, part, wav_file
from tests.engine_fakes import ANSWER, scripted

pytestmark = pytest.mark.slow

WITH_SOUND = bpy.app.build_options.audaspace


@pytest.fixture(autouse=True)
def extension() -> Iterator[None]:
    enable_checkout()
    part("core.blender.demo_head").create_demo_head(bpy.context.scene)
    yield
    disable_checkout()


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    return wav_file(tmp_path / "talk.wav", 2.0)


def command(*arguments: str) -> int:
    code: int = part("operators.command_line").run(list(arguments))
    return code


def last_json(said: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def test_dry_run_tells_every_owner_and_changes_no_key(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("generate", "--audio", str(talk), "--end", "2", "--dry-run", "--json", "--python", "/no/such") == 0
    planned = last_json(capsys.readouterr().out)["planned"]
    blocks = {block["owner"]: block for block in planned["blocks"]}
    assert set(blocks) == {"MimeshHead", "MimeshHeadRig"}
    assert len(blocks["MimeshHead"]["channels"]) == 50
    assert {name.split(".")[0] for name in blocks["MimeshHeadRig"]["channels"]} >= {"jaw", "neck", "left_eye"}
    # two seconds at 24 fps, and a quarter of a second of ease on both sides
    assert planned["frames"] == pytest.approx([1 - 6, 1 + 47 + 6], abs=2)
    assert not bpy.data.actions


def test_dry_run_leaves_out_what_the_settings_leave_out(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    still = ("--head-amount", "0", "--gaze-amount", "0")
    assert command("generate", "--audio", str(talk), "--dry-run", "--json", *still) == 0
    blocks = last_json(capsys.readouterr().out)["planned"]["blocks"]
    bones = next(block["channels"] for block in blocks if block["owner"] == "MimeshHeadRig")
    assert {name.split(".")[0] for name in bones} == {"jaw"}


@pytest.mark.slow
def test_the_open_file_is_keyed_and_told_as_json(
    talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_engine(monkeypatch, ANSWER)
    out, told = tmp_path / "out.blend", tmp_path / "told.json"
    line = ("generate", "--audio", str(talk), "--seed", "3", "--out", str(out), "--json", str(told))
    assert command(*line) == 0
    result = json.loads(told.read_text())
    assert (result["status"], result["exit_code"], result["object"]) == ("done", 0, "MimeshHead")
    assert result["keys"] > 1000 and Path(result["out"]) == out
    assert "Keyed 2.0 s" in capsys.readouterr().out
    bpy.ops.wm.open_mainfile(filepath=str(out))
    assert json.loads(bpy.data.actions[result["actions"][0]]["mimesh"])["run"]["seed"] == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        ("raise MediaError('No speech.', 'Speak.')", 2, "failed"),
        ("os._exit(9)", 4, "failed"),
        ("from core.errors import CancelledError\nraise CancelledError('Cancelled.')", 130, "cancelled"),
    ],
)
def test_each_end_has_its_code_and_json(
    body: str,
    code: int,
    status: str,
    talk: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use_engine(monkeypatch, body)
    out = tmp_path / "out.blend"
    assert command("generate", "--audio", str(talk), "--out", str(out), "--json") == code
    told = last_json(capsys.readouterr().out)
    assert (told["status"], told["exit_code"]) == (status, code)
    assert not out.exists() and not bpy.data.actions


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["--strip", "Nobody"], 2, "no sound or movie strip"),
        (["--audio", "TALK", "--object", "Nobody"], 3, "no object called"),
        (["--audio", "TALK", "--scene", "Act 5"], 3, 'no scene "Act 5"'),
        (["--audio", "TALK", "--strip", "Nobody"], 2, "not allowed with"),
        (["--audio", "TALK", "--reference-strip", "a", "--style", "b"], 2, "Two references"),
        ([], 2, "required"),
    ],
)
def test_wrong_input_ends_with_its_code(
    arguments: list[str], code: int, word: str, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("generate", *(str(talk) if a == "TALK" else a for a in arguments), "--dry-run") == code
    assert word in capsys.readouterr().err


def test_an_output_is_asked_for(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("generate", "--audio", str(talk)) == 2
    assert "--out" in capsys.readouterr().err


def test_commands_for_the_engines_own_python_are_not_offered(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--help") == 0
    said = capsys.readouterr().out
    assert "generate" in said and "blender -c mimesh" in said and "without Blender" not in said


def use_engine(monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Put a scripted engine in the place of the real one."""
    from tests import engine_fakes

    module = part("core.cli.generate")
    client, transport = part("core.client.client").EngineClient, part("core.client.transport")
    monkeypatch.setattr(engine_fakes, "EngineClient", client)
    for name in ("EngineCommand", "ProcessTransport"):
        monkeypatch.setattr(engine_fakes, name, getattr(transport, name))
    monkeypatch.setattr(engine_fakes, "QUICK", transport.StopDeadlines(close_seconds=0.5, terminate_seconds=0.5))
    monkeypatch.setattr(engine_fakes, "Patience", part("core.client.client").Patience)
    monkeypatch.setattr(module, "find_engine_python", lambda python: Path("unused"))
    monkeypatch.setattr(module, "EngineClient", lambda p, root, folder: engine_fakes.client_of(scripted(body), folder))


def test_export_by_menu_and_by_command_write_the_same_kind(
    talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = bpy.context.scene
    scene.frame_end = 3
    assert command("export", "--out", str(tmp_path / "head.bvh")) == 3
    assert "Generate its lip sync first" in capsys.readouterr().err
    bpy.data.objects["MimeshHeadRig"].pose.bones["jaw"].keyframe_insert("rotation_quaternion", frame=1)
    assert command("export", "--out", str(tmp_path / "head.bvh"), "--json") == 0
    assert last_json(capsys.readouterr().out)["frames"] == [1, 3]
    scene.mimesh.target = bpy.data.objects["MimeshHead"]
    assert bpy.ops.mimesh.export_character(filepath=str(tmp_path / "menu"), kind=".bvh") == {"FINISHED"}
    assert (tmp_path / "menu.bvh").read_text() == (tmp_path / "head.bvh").read_text()
    assert command("export", "--out", str(tmp_path / "head.obj")) == 2
