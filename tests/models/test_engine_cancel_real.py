# SPDX-License-Identifier: GPL-3.0-or-later
"""Esc in the real engine: whatever it was doing, the next click is served as a warm engine serves any other."""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.client.client import EngineClient, Job
from core.exchange.media_range import MediaRange
from tests.asking import ask
from tests.media import write_audio

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SPEECH = MediaRange(ROOT / "demo" / "input" / "speech.ogg", 0.0, 3.0)
REFERENCE = ROOT / "demo" / "input" / "reference.mp4"
CLICKS = 9


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineClient]:
    client = EngineClient(Path(sys.executable), ROOT, tmp_path_factory.mktemp("engine"))
    client.warm_up()
    while not client.warm:
        time.sleep(0.05)
    yield client
    client.close(wait=True)


def seconds_of(job: Job) -> float:
    started = time.monotonic()
    while not job.poll().done:
        time.sleep(0.003)
    job.result()
    return time.monotonic() - started


def warm_seconds(client: EngineClient) -> float:
    return statistics.median(seconds_of(client.submit(ask(SPEECH, seed=seed))) for seed in range(CLICKS))


def cancelled_after(job: Job, seconds: float) -> str:
    """The stage in which it was cancelled."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not job.poll().done:
        time.sleep(0.005)
    job.cancel()
    return job.stage


# how many times as long as without a cancel the click after one may take: the work under way has to notice
@pytest.mark.parametrize(
    ("what", "spread_seconds", "times"), [("speech", 0.3, 3.0), ("minute", 2.0, 5.0), ("reference", 12.0, 8.0)]
)
def test_click_at_once_after_a_cancel_is_as_quick_as_a_warm_one(
    engine: EngineClient, tmp_path: Path, what: str, spread_seconds: float, times: float
) -> None:
    long = MediaRange(tmp_path / "minute.wav")
    hum = 0.2 * np.sin(np.arange(60 * 16000) / 18) * (0.5 + 0.5 * np.sin(np.arange(60 * 16000) / 900))
    write_audio(long.path, hum[None].astype(np.float32), 16000, "pcm_s16le")
    rng, ready = random.Random(what), engine.ready
    before, clicks, stages = warm_seconds(engine), [], []
    for seed in range(CLICKS):
        # another range each time: nothing of it is in the cache
        reference = MediaRange(REFERENCE, 0.0, 6.0 + 0.01 * seed) if what == "reference" else None
        job = engine.submit(ask(long if what == "minute" else SPEECH, reference, seed=seed))
        stages.append(cancelled_after(job, rng.uniform(0.0, spread_seconds)))
        clicks.append(seconds_of(engine.submit(ask(SPEECH, seed=seed))))
    warm = max(before, warm_seconds(engine))
    assert statistics.median(clicks) < times * warm, (clicks, warm, stages)
    # the same process all along, and still warm
    assert engine.ready is ready and engine.warm
