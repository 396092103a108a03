# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines that run together get the motion that each gets alone (the bundled networks)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.audio.speech import SAMPLE_RATE
from core.engine.pipeline import generate_motion
from core.engine.together import TogetherEngine
from core.errors import MediaError, ModelError
from core.exchange.media_range import MediaRange
from core.exchange.request import MotionRequest
from core.settings import FaceSettings, HeadSettings, RunSettings
from tests.media import tone, write_audio

pytestmark = pytest.mark.slow
# lengths that share a pass, lengths that do not, and one beyond a window of the networks
SECONDS = (1.0, 1.0, 1.03, 2.5, 7.0)


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("lines")
    rng = np.random.default_rng(0)
    found = []
    for index, seconds in enumerate(SECONDS):
        voice = tone(seconds) * (0.6 + 0.4 * np.sin(np.arange(round(seconds * SAMPLE_RATE)) / (900 + 200 * index)))
        voice = voice + rng.normal(0, 0.01, len(voice))
        found.append(write_audio(folder / f"{index}.wav", voice[None].astype(np.float32), SAMPLE_RATE, "pcm_s16le"))
    return found


def request_for(path: Path, seed: int = 0, engine: str = "mimic", **rest: object) -> MotionRequest:
    face = FaceSettings(engine=engine, speech_encoder="bundled")
    return MotionRequest(
        audio=MediaRange(path), face=face, head=HeadSettings(temperature=0.7), run=RunSettings(seed, "cpu"), **rest
    )


@pytest.mark.parametrize("engine", ["mimic", "adamesh"])
def test_together_is_as_alone(lines: list[Path], engine: str) -> None:
    requests = [request_for(path, seed, engine) for seed, path in enumerate(lines)]
    together = {line.index: line.result for line in TogetherEngine().generate(requests)}
    assert sorted(together) == list(range(len(lines)))
    for index, request in enumerate(requests):
        alone, found = generate_motion(request), together[index]
        assert found is not None and found.provenance == alone.provenance and found.notes == alone.notes
        for name in ("expression", "jaw", "head", "gaze"):
            expected = getattr(alone.motion, name)
            np.testing.assert_allclose(getattr(found.motion, name), expected, atol=2e-5, err_msg=name)
    # the seeds differ, and so do the heads of two lines of one length
    assert np.abs(together[0].motion.head - together[1].motion.head).max() > 1e-3  # type: ignore[union-attr]


def test_a_line_that_fails_leaves_the_others(lines: list[Path], tmp_path: Path) -> None:
    (tmp_path / "style.safetensors").write_bytes(b"nonsense")
    requests = [
        request_for(lines[0]),
        request_for(tmp_path / "gone.wav"),
        request_for(lines[1], style=tmp_path / "style.safetensors"),
        request_for(lines[2]),
    ]
    found = {line.index: line for line in TogetherEngine().generate(requests)}
    assert found[0].result is not None and found[3].result is not None
    assert isinstance(found[1].error, MediaError) and isinstance(found[2].error, ModelError)
