# SPDX-License-Identifier: GPL-3.0-or-later
"""Head motion over ten minutes and at what speed: no jump, no drift, and how long one waits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.audio.decode import load_speech
from core.audio.speech import SAMPLE_RATE, Speech
from core.errors import SettingsError
from core.face.motion import INTERNAL_FPS
from core.models.pose.generate import PoseGenerator
from core.pose.bank import BankEntry
from core.pose.reference import PoseReference
from core.settings import HeadSettings
from research.evaluation.pose.metrics import Steadiness, speeds, steadiness
from research.evaluation.tables import Table, number
from research.training.pose.data import PoseClip

LONG_SECONDS = 600.0
SHORT_SECONDS = 60.0
TIMED_RUNS = 3
JUMP_PERCENTILE = 99.9


@dataclass(frozen=True, slots=True)
class LongRun:
    """One style over ten minutes."""

    style: str
    steadiness: Steadiness


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds for a minute of speech, wall and processor: to hear it (once) and to move the head to it (a roll)."""

    listen_wall: float
    listen_processor: float
    roll_wall: float
    roll_processor: float


def long_table(generator: PoseGenerator, clips: Sequence[PoseClip], data: Path) -> tuple[Table, dict[str, Any]]:
    """Steadiness of every person's own style, and timing."""
    real = [clip.head for clip in clips if clip.lively]
    limit = float(np.percentile(np.concatenate([speeds(head) for head in real]), JUMP_PERCENTILE))
    speech = long_speech(data, LONG_SECONDS)
    heard = generator.encode(speech)
    runs = []
    for entry in plain_entries(generator, clips):
        reference = PoseReference(np.zeros((1, 3), np.float32), entry.matrix)
        head = generator.generate(heard, reference, HeadSettings()).head
        runs.append(LongRun(entry.name, steadiness(head, limit)))
    timing = measure_timing(generator, Speech(speech.samples[: round(SHORT_SECONDS * SAMPLE_RATE)], speech.source))
    longest = [float(np.linalg.norm(np.degrees(_means(head)), axis=1).max()) for head in real if len(head) > 750]
    rows = tuple(
        (
            run.style,
            number(run.steadiness.top_speed, 0),
            number(100 * run.steadiness.over, 3),
            number(run.steadiness.furthest_rest, 1),
            number(run.steadiness.last_half, 1),
        )
        for run in runs
    )
    table = Table(
        "Ten minutes of head motion: fastest frame, frames over the jump limit, and where the head rests",
        ("style", "top °/s", "over limit %", "furthest 30 s mean °", "mean of last 5 min °"),
        rows,
        f"Jump limit: {limit:.0f} °/s, the 99.9th percentile of real heads; the furthest 30 s mean of real heads is "
        f"{max(longest, default=float('nan')):.1f}°. One minute of speech takes {timing.listen_wall:.2f} s to hear "
        f"(once) and {timing.roll_wall:.2f} s per roll ({timing.roll_processor:.2f} s of processor).",
    )
    return table, {"limit": limit, "runs": [asdict(run) for run in runs], "timing": asdict(timing)}


def long_speech(data: Path, seconds: float) -> Speech:
    """Read speech of many people, one after the other, held from the end of the list: no unit was made of them all."""
    parts, total = [], 0
    for path in sorted((data / "speech" / "librispeech").glob("*.ogg"), reverse=True):
        if total >= seconds * SAMPLE_RATE:
            break
        parts.append(load_speech(path).samples)
        total += len(parts[-1])
    if total < seconds * SAMPLE_RATE:
        raise SettingsError(f"There are not {seconds:.0f} s of speech in {data / 'speech' / 'librispeech'}.")
    return Speech(np.concatenate(parts)[: round(seconds * SAMPLE_RATE)], "librispeech")


def measure_timing(generator: PoseGenerator, speech: Speech) -> Timing:
    """The quickest of three runs in the bank's first style: others may use the machine as well."""
    reference = PoseReference(np.zeros((1, 3), np.float32), generator.bank.entries[0].matrix)
    listens, rolls = [], []
    for seed in range(TIMED_RUNS):
        began = _clocks()
        heard = generator.encode(speech)
        listens.append(_since(began))
        began = _clocks()
        generator.generate(heard, reference, HeadSettings(seed=seed))
        rolls.append(_since(began))
    listen, roll = np.min(listens, axis=0), np.min(rolls, axis=0)
    return Timing(float(listen[0]), float(listen[1]), float(roll[0]), float(roll[1]))


def plain_entries(generator: PoseGenerator, clips: Sequence[PoseClip]) -> list[BankEntry]:
    """The bank's styles of the lively clips as they are, without variations."""
    names = {clip.name for clip in clips if clip.lively}
    return [entry for entry in generator.bank.entries if entry.name in names]


def _means(head: np.ndarray) -> np.ndarray:
    frames = round(30.0 * INTERNAL_FPS)
    return np.stack([head[first : first + frames].mean(axis=0) for first in range(0, len(head) - frames + 1, 25)])


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(began: tuple[float, float]) -> tuple[float, float]:
    now = _clocks()
    return now[0] - began[0], now[1] - began[1]
