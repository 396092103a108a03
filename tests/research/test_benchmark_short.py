# SPDX-License-Identifier: GPL-3.0-or-later
"""The short benchmark as a test: the bundled network on bundled inputs must not be clearly worse than recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.audio.speech import Speech
from core.errors import ModelError
from core.face.motion import EXPRESSION_SIZE, Motion
from core.weights import bundled
from research.evaluation import sections, short
from research.evaluation.distort import delayed
from research.evaluation.history import read_history, regressions
from research.evaluation.short import measure_short
from research.evaluation.stages import Growth
from research.paths import DATA_ROOT


@pytest.mark.timeout(280)
def test_bundled_network_is_no_worse_than_recorded() -> None:
    try:
        bundled("adamesh_base.safetensors")
    except ModelError as error:
        pytest.skip(f"no bundled network to measure: {error}")
    entry = measure_short(DATA_ROOT)
    assert regressions(entry, read_history()) == []
    # whatever is recorded: the mouth must follow the bundled speech
    assert entry.metrics["demo.correlation"] > 0.4


@pytest.mark.timeout(280)
def test_network_that_comes_late_is_caught(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def late(speech: Speech) -> Motion:
        motion = sections.our_generator()(speech)
        vectors = delayed(motion.face_vector(), 5)
        return motion.replace(
            expression=vectors[:, :EXPRESSION_SIZE].astype("float32"),
            jaw=vectors[:, EXPRESSION_SIZE:].astype("float32"),
        )

    monkeypatch.setattr(short, "our_generator", lambda: late)
    monkeypatch.setattr(short, "growth", lambda audio, seconds: [Growth(30.0, 0.3, 500.0, 1.0)])
    worse = regressions(measure_short(tmp_path), read_history())
    assert any(sentence.startswith("demo.correlation") for sentence in worse)


def test_history_was_recorded_on_the_inputs_that_are_bundled_now() -> None:
    # else nothing compares: record anew with `python -m research.evaluation --short --record`
    assert read_history()[-1].inputs == short.inputs_hash()


def test_short_form_does_without_the_shared_data(tmp_path: Path) -> None:
    assert short.shared_clips(tmp_path) == []
