# SPDX-License-Identifier: GPL-3.0-or-later
"""The robustness table on a stand-in: a mouth that opens with loudness, which noise must spoil and gain must not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.audio.speech import SAMPLE_RATE, Speech
from core.errors import SettingsError
from core.face.basis import open_basis
from core.face.motion import MOTION_SIZE, Motion
from research.corpus.clips import Clip
from research.evaluation import robustness
from research.evaluation.accuracy import TruthClip
from research.evaluation.baselines import MeanTalker, face_motion, frame_count, relative_loudness

CLIPS = [Clip("grid_heldout", person, Path(f"{person}.mkv")) for person in ("s5", "s33")]


def _speech(seed: int) -> Speech:
    rng = np.random.default_rng(seed)
    envelope = np.interp(np.arange(3 * SAMPLE_RATE), np.arange(0, 3 * SAMPLE_RATE, 2000), rng.random(24) ** 2)
    return Speech((0.2 * envelope * rng.normal(size=3 * SAMPLE_RATE)).astype(np.float32), f"clip {seed}")


def _mouth(speech: Speech) -> Motion:
    table = np.zeros((12, MOTION_SIZE))
    # the jaw's pitch, the first of the last three values
    table[:, -3] = np.linspace(0, 0.3, 12)
    return face_motion(MeanTalker(table).vectors(relative_loudness(speech, frame_count(speech))), open_basis())


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    speeches = {clip.key: _speech(index) for index, clip in enumerate(CLIPS)}

    def truth(clip: Clip, basis: object) -> TruthClip:
        speech = speeches[clip.key]
        return TruthClip(clip, speech, open_basis().displacement(_mouth(speech)).astype(np.float64))

    monkeypatch.setattr(robustness, "truth", truth)


VOICES = {"s5": _speech(0).samples, "s33": _speech(1).samples, "s34": _speech(2).samples}


def test_noise_costs_and_level_does_not(stand_in: None) -> None:
    rows = robustness.measure_conditions("stand-in", CLIPS, VOICES, _mouth)
    found = {row.condition: row.score.correlation for row in rows}
    assert found["clean"] == pytest.approx(1.0)
    assert found["quiet, -30 dB, 16 bits"] > 0.99
    assert found["babble, 0 dB"] < found["babble, 10 dB"] < 0.99
    assert found["pink noise, 0 dB"] < found["pink noise, 10 dB"] < 1.0
    assert all(row.score.clips == row.score.people == 2 for row in rows)


def test_babble_never_holds_the_speakers_own_voice(stand_in: None, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[int]] = []

    def note(samples: robustness.Samples, around: robustness.Surroundings) -> robustness.Samples:
        seen.append({id(voice) for voice in around.voices})
        return samples

    monkeypatch.setattr(robustness, "CONDITIONS", {"noted": note})
    robustness.measure_conditions("stand-in", CLIPS, VOICES, _mouth)
    assert seen == [{id(v) for p, v in VOICES.items() if p != clip.person} for clip in CLIPS]


def test_the_same_run_gives_the_same_table(stand_in: None) -> None:
    first = robustness.measure_conditions("stand-in", CLIPS, VOICES, _mouth)
    assert robustness.measure_conditions("stand-in", CLIPS, VOICES, _mouth) == first


def test_one_person_alone_is_refused_in_words() -> None:
    with pytest.raises(SettingsError, match="two held-out people"):
        robustness.person_voices({"alone": CLIPS[:1]})
