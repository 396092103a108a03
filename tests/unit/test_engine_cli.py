# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: exit codes, one sentence, and files that are whole or absent."""

from __future__ import annotations

import dataclasses
import importlib
import math
import tomllib
from pathlib import Path

import numpy as np
import pytest

from core.cli import motion as motion_command
from core.cli import track as track_command
from core.cli.main import build_parser, main
from core.exchange.media_range import MediaRange
from core.exchange.request import MotionRequest
from core.face.basis import open_basis
from core.settings import FaceSettings, HeadSettings
from core.style.library import StyleLibrary
from core.style.style import Style
from core.tracking.face_track import FaceTrack
from core.tracking.reference import TrackedReference
from tests.asking import ask
from tests.unit.cli_runs import REPORT, result_for, small_motion

ROOT = Path(__file__).resolve().parents[2]


def test_motion_writes_the_public_names(talk: Path, tmp_path: Path, requests: list[MotionRequest]) -> None:
    out = tmp_path / "m.npz"
    assert main(["motion", "--audio", str(talk), "--out", str(out)]) == 0
    with np.load(out, allow_pickle=False) as data:
        assert float(data["fps"]) == 25.0
        shapes = {name: data[name].shape for name in ("expression", "jaw", "head", "landmarks")}
        expected = open_basis().landmarks(small_motion())
        np.testing.assert_allclose(data["landmarks"], expected, atol=1e-5)
        assert data["landmarks"].dtype == np.float32
    assert shapes == {"expression": (30, 50), "jaw": (30, 3), "head": (30, 3), "landmarks": (30, 478, 3)}


def test_landmarks_of_a_long_motion_are_those_of_its_parts() -> None:
    motion = small_motion(2300)
    whole = motion_command.landmarks_of(motion)
    np.testing.assert_allclose(whole, open_basis().landmarks(motion), atol=1e-5)


def test_options_reach_the_request(talk: Path, tmp_path: Path, requests: list[MotionRequest]) -> None:
    clip = tmp_path / "clip.mp4"
    line = f"motion --audio {talk} --start 0.2 --end 1 --reference {clip} --reference-start 3 --reference-end 9 "
    line += f"--seed 5 --style-strength 0.5 --head-amount 2 --device cpu --out {tmp_path / 'm.npz'} "
    line += "--head-source reference --head-neighbours 3 --head-temperature 0.5 --head-top-p 0.8 --head-seed 2 "
    line += f"--head-stillness 1 --pose-bank {tmp_path / 'b.safetensors'}"
    assert main(line.split()) == 0
    pose = HeadSettings("reference", 2.0, 3, 0.5, 0.8, 2, math.radians(1), tmp_path / "b.safetensors")
    expected = ask(
        MediaRange(talk, 0.2, 1.0), MediaRange(clip, 3.0, 9.0), seed=5, style_strength=0.5, device="cpu", head=pose
    )
    assert requests == [expected]


def test_style_can_be_saved_and_its_report_is_said_once(
    talk: Path, tmp_path: Path, requests: list[MotionRequest], capsys: pytest.CaptureFixture[str]
) -> None:
    style = tmp_path / "ada.safetensors"
    command = ["motion", "--audio", str(talk), "--reference", "clip.mp4", "--out", str(tmp_path / "m.npz")]
    assert main([*command, "--save-style", str(style)]) == 0
    assert Style.load(style).name == "ada"
    said = capsys.readouterr().out
    assert said.count("The picture is noisy.") == 1 and "A note." in said and "in the style of clip" in said


def test_a_style_is_given_by_its_name_or_by_its_file(
    talk: Path, tmp_path: Path, requests: list[MotionRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    style = result_for(MotionRequest(MediaRange(talk), MediaRange(talk))).style
    assert style is not None
    path = StyleLibrary(tmp_path / "styles").save(style, "Ada").path
    command = ["motion", "--audio", str(talk), "--out", str(tmp_path / "m.npz"), "--style"]
    assert main([*command, "Ada", "--library", str(tmp_path / "styles")]) == 0
    assert main([*command, str(path)]) == 0
    monkeypatch.setenv("MIMESH_STYLES", str(tmp_path / "styles"))
    assert main([*command, "ada"]) == 0
    assert [request.style for request in requests] == [path] * 3
    assert main([*command, "Eve"]) == 2


def test_two_styles_are_mixed_by_name_or_file_half_and_half_unless_told(
    talk: Path, tmp_path: Path, requests: list[MotionRequest]
) -> None:
    style = result_for(MotionRequest(MediaRange(talk), MediaRange(talk))).style
    assert style is not None
    library = StyleLibrary(tmp_path / "styles")
    ada, bob = library.save(style, "Ada").path, library.save(style, "Bob").path
    line = f"motion --audio {talk} --out {tmp_path / 'm.npz'} --engine mimic --library {library.folder} --style Ada"
    assert main([*line.split(), "--second-style", "Bob"]) == 0
    assert main([*line.split(), "--second-style", str(bob), "--style-mix", "0.3"]) == 0
    assert [(r.face.engine, r.style, r.second_style, r.face.style_mix) for r in requests] == [
        ("mimic", ada, bob, 0.5),
        ("mimic", ada, bob, 0.3),
    ]
    assert main([*line.split(), "--second-style", "Eve"]) == 2


def test_what_was_mixed_in_is_said(talk: Path) -> None:
    result = result_for(MotionRequest(MediaRange(talk), MediaRange(talk)))
    mixed = dataclasses.replace(result.provenance, second_style_name="Bob", face=FaceSettings(style_mix=0.3))
    said = motion_command.describe(dataclasses.replace(result, provenance=mixed))
    assert "in the style of clip, mixed with 30% of Bob; took" in said


def test_styles_are_listed_renamed_shared_and_deleted(
    tmp_path: Path, talk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def styles(*words: str) -> str:
        assert main(["styles", *words, "--library", str(tmp_path / "styles")]) == 0
        return capsys.readouterr().out

    assert styles("list").startswith("There is no style in")
    style = result_for(MotionRequest(MediaRange(talk), MediaRange(talk))).style
    assert style is not None
    StyleLibrary(tmp_path / "styles").save(style, "Ada")
    assert styles("list").startswith("Ada: clip.mp4, 2.0 s, 20")
    styles("rename", "Ada", "Bob")
    assert styles("export", "Bob", str(tmp_path)) == f"Exported {tmp_path / 'Bob.safetensors'}.\n"
    assert styles("import", str(tmp_path / "Bob.safetensors")) == 'Imported the style "Bob 2".\n'
    styles("delete", "Bob")
    assert [line.split(":")[0] for line in styles("list").splitlines()] == ["Bob 2"]
    monkeypatch.delenv("MIMESH_STYLES", raising=False)
    assert main(["styles", "list"]) == 2
    assert "No style library is chosen" in capsys.readouterr().err


def test_track_writes_motion_landmarks_and_quality_and_says_it_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    motion = small_motion()
    points = np.zeros((30, 478, 3), np.float32)
    track = FaceTrack(
        points, np.arange(30) / 25, np.ones(30, bool), np.ones(1, np.int32), np.zeros(0, np.int64), 64, 48, "clip.mp4"
    )
    found = TrackedReference(motion, track, None, REPORT, points, points[0], np.ones(30, np.float32))
    seen: list[MediaRange] = []
    monkeypatch.setattr(track_command, "track_reference", lambda source, progress: seen.append(source) or found)
    out = tmp_path / "t.npz"
    assert main(["track", "clip.mp4", "--start", "1", "--end", "3", "--out", str(out)]) == 0
    assert seen == [MediaRange(Path("clip.mp4"), 1.0, 3.0)]
    with np.load(out, allow_pickle=False) as data:
        np.testing.assert_array_equal(data["expression"], motion.expression)
        assert data["landmarks"].shape == (30, 478, 3)
        assert float(data["quality_offset_seconds"]) == 0.04
        assert data["quality_warnings"].tolist() == ["The picture is noisy."]
    assert capsys.readouterr().out.strip() == REPORT.summary()
    monkeypatch.setattr(track_command, "overlay_picture", lambda track, *size: np.zeros((4, 4, 3), np.uint8))
    picture = tmp_path / "landmarks.png"
    assert main(["track", "clip.mp4", "--out", str(out), "--picture", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_help_names_every_command() -> None:
    text = build_parser().format_help()
    assert all(name in text for name in ("track", "motion", "generate", "styles"))


def test_console_script_is_the_command_line() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, name = project["scripts"]["mimesh"].partition(":")
    assert getattr(importlib.import_module(module), name) is main
