# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/service.md is true: its caller, run as it stands there, gets a motion from the engine."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.audio.speech import SAMPLE_RATE
from tests.media import tone, write_audio

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]


def test_the_callers_lines_give_a_motion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    (example,) = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)
    request: dict[str, Any] = json.loads(example)["request"]
    voice = tone(1.5) * (0.6 + 0.4 * np.sin(np.arange(round(1.5 * SAMPLE_RATE)) / 900))
    sound = write_audio(tmp_path / "talk.wav", voice[None].astype(np.float32), SAMPLE_RATE, "pcm_s16le")
    request["audio"]["path"], request["style"] = str(sound), None
    folder = tmp_path / "1"
    folder.mkdir()
    command = [sys.executable, "-m", "core.engine.worker", "--code-root", str(ROOT), "--job-root", str(tmp_path)]
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    names: dict[str, Any] = {"command": command, "folder": str(folder), "request": request}
    exec(compile(code, "docs/service.md", "exec"), names)
    assert names["message"]["type"] == "done", names["message"]
    assert names["engine"].wait(60) == 0
    with np.load(folder / "motion.npz") as data:
        assert float(data["fps"]) == 25.0 and data["expression"].shape == (38, 50)
        assert {"jaw", "head", "gaze"} <= set(data.files)
