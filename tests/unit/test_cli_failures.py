# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line when something is wrong: exit codes, one sentence, and files that are whole or absent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.cli import motion as motion_command
from core.cli.main import main
from core.errors import CancelledError, EngineError, MediaError, MimeshError, RigError
from core.exchange.request import MotionRequest
from core.exchange.results import MotionResult
from core.face.motion import Motion

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--engine", "talker"], "there are: adamesh, mimic"),
        (["--style", "a.safetensors", "--second-style", "b.safetensors"], "adamesh cannot mix two styles"),
        (["--engine", "mimic", "--style-mix", "0.3"], "needs a second style"),
        (["--style-strength", "9"], "between 0 and 1.5"),
        (["--end", "-1"], "not after its start"),
        (["--head-source", "moon"], "no head pose called 'moon'"),
        (["--style", "Ada"], "No style library is chosen"),
        (["--save-style", "s.safetensors"], "no style to save"),
        (["--reference", "a.mp4", "--style", "b.safetensors"], "Choose one of them"),
        (["--out", "m.txt"], "should end in .npz"),
        (["--out", "/no/such/folder/m.npz"], "does not exist"),
    ],
)
def test_wrong_values_are_usage_errors_in_one_sentence(
    options: list[str],
    word: str,
    talk: Path,
    tmp_path: Path,
    requests: list[MotionRequest],
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["motion", "--audio", str(talk), "--out", str(tmp_path / "m.npz"), *options]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert said.startswith("mimesh: ") and said.count("\n") == 1 and word in said
    assert requests == [] and not (tmp_path / "m.npz").exists()


@pytest.mark.parametrize("line", ["", "motion", "dance", "motion --audio a --out b --seed x"])
def test_unparsable_lines_are_usage_errors(line: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(line.split())
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MimeshError("The disk is full."), 1),
        (MediaError("No sound.", "Choose another."), 2),
        (RigError("No keys."), 3),
        (EngineError("It died."), 4),
        (CancelledError("Cancelled."), 130),
        (KeyboardInterrupt(), 130),
    ],
)
def test_failure_has_its_exit_code_one_sentence_and_leaves_the_old_file(
    error: BaseException,
    code: int,
    talk: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(request: MotionRequest, progress: object) -> MotionResult:
        raise error

    monkeypatch.setattr(motion_command, "generate_motion", fail)
    out = tmp_path / "m.npz"
    out.write_bytes(b"last week's")
    assert main(["motion", "--audio", str(talk), "--out", str(out)]) == code
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "Traceback" not in said
    assert out.read_bytes() == b"last week's"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.npz", "talk.wav"]


def test_half_written_file_never_takes_the_place_of_a_whole_one(
    talk: Path, tmp_path: Path, requests: list[MotionRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(self: Motion, path: Path, **extra: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Motion, "save", full_disk)
    out = tmp_path / "m.npz"
    out.write_bytes(b"whole")
    assert main(["motion", "--audio", str(talk), "--out", str(out)]) != 0
    assert out.read_bytes() == b"whole"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.npz", "talk.wav"]


def test_real_process_says_one_sentence_for_a_missing_file(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "core", "motion", "--audio", str(tmp_path / "gone.wav"), "--out"]
    done = subprocess.run([*command, str(tmp_path / "m.npz")], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "gone.wav does not exist" in done.stderr
    assert done.stdout == "" and list(tmp_path.iterdir()) == []
