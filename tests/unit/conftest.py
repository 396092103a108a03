# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the unit tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.audio.speech import SAMPLE_RATE
from core.cli import motion as motion_command
from core.engine.pipeline import ignore_progress
from core.exchange.request import MotionRequest
from core.exchange.results import MotionResult
from tests.media import tone, write_audio
from tests.unit.cli_runs import result_for


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    return write_audio(tmp_path / "talk.wav", tone(1.2)[None], SAMPLE_RATE, "pcm_s16le")


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[MotionRequest]:
    seen: list[MotionRequest] = []

    def generate(request: MotionRequest, progress: object = ignore_progress) -> MotionResult:
        seen.append(request)
        return result_for(request)

    monkeypatch.setattr(motion_command, "generate_motion", generate)
    return seen
