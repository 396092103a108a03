# SPDX-License-Identifier: GPL-3.0-or-later
"""Two Blenders, or an engine and a Blender, change the same library and the same bank: nothing of either is lost."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.files import changed_by_one
from core.pose.user_bank import bank_names
from core.style.library import StyleLibrary
from tests.unit.test_pose_matrix import _bank
from tests.unit.test_style_library import a_style

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS, TIMES = 4, 5
_IMPORT = """
import sys
from pathlib import Path
from core.style.library import StyleLibrary
for _ in range({times}):
    StyleLibrary(Path(sys.argv[1])).import_file(Path(sys.argv[2]))
"""
_REMOVE = """
import sys
from pathlib import Path
from core.pose.user_bank import remove_from_bank
for name in sys.argv[2:]:
    remove_from_bank(Path(sys.argv[1]), name)
"""


def _run_at_once(code: str, arguments: list[list[str]]) -> None:
    programs = [
        subprocess.Popen([sys.executable, "-c", code, *own], cwd=ROOT, stderr=subprocess.PIPE) for own in arguments
    ]
    for program in programs:
        said = program.communicate(timeout=120)[1]
        assert program.returncode == 0, said.decode()[-800:]


def test_styles_of_one_name_that_several_programs_import_are_all_kept(tmp_path: Path) -> None:
    clip, folder = tmp_path / "ada.safetensors", tmp_path / "styles"
    a_style("Ada").save(clip)
    _run_at_once(_IMPORT.format(times=TIMES), [[str(folder), str(clip)]] * PROGRAMS)
    names = [entry.name for entry in StyleLibrary(folder).entries()]
    assert len(set(names)) == len(names) == PROGRAMS * TIMES
    assert len(list(folder.iterdir())) == PROGRAMS * TIMES


def test_changes_of_several_programs_to_one_bank_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "bank.safetensors"
    _bank(PROGRAMS * TIMES + 1).save(path)
    names = bank_names(path)
    _run_at_once(_REMOVE, [[str(path), *names[k::PROGRAMS][:TIMES]] for k in range(PROGRAMS)])
    assert bank_names(path) == names[PROGRAMS * TIMES :]


def test_lock_that_cannot_be_had_delays_the_work_and_never_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.files._LOCK_SECONDS", 0.2)
    started = time.monotonic()
    with changed_by_one(tmp_path), changed_by_one(tmp_path):
        assert 0.2 <= time.monotonic() - started < 3.0
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with changed_by_one(tmp_path):
        pass
