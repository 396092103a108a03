# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators of files that a script calls without naming one: a sentence, and nothing written or changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import FakeEngine, part, talking, use_engine  # noqa: E402
from tests.blender.one_blender import IN_ONE_BLENDER  # noqa: E402
from tests.blender.refusals import refused  # noqa: E402
from tests.blender.style_bench import a_style  # noqa: E402

pytestmark = [pytest.mark.slow, IN_ONE_BLENDER]
WRITE = ("save_style", "export_character", "write_report")
READ = ("drop_style", "import_style", "import_sheet", "import_recording", "import_flame", "drop_speech")


@pytest.mark.parametrize("name", [*WRITE, *READ])
def test_a_file_operator_without_a_file_says_so(ready: Any, name: str) -> None:
    use_engine(FakeEngine(talking))
    bpy.ops.mimesh.generate_lip_sync()
    part("operators.styles").remember_style(a_style("Ada"))
    said = refused(getattr(bpy.ops.mimesh, name), "No file to write is named" if name in WRITE else r"cannot|not|none")
    assert "unexpectedly" not in said


def test_a_report_beside_the_blend_file_is_named_as_blender_names_it(ready: Any, tmp_path: Path) -> None:
    use_engine(FakeEngine(talking))
    bpy.ops.mimesh.generate_lip_sync()
    ready.reference_kind = "none"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    assert bpy.ops.mimesh.write_report(filepath="//line.html") == {"FINISHED"}
    assert (tmp_path / "line.html").is_file()
