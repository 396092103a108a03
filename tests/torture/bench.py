# SPDX-License-Identifier: GPL-3.0-or-later
"""What the loops share: the real engine, a short request, and the tally of what went wrong."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.audio.speech import SAMPLE_RATE
from core.client.client import EngineClient, Job
from core.errors import MimeshError
from core.exchange.media_range import MediaRange
from tests.asking import ask
from tests.media import write_audio

ROOT = Path(__file__).resolve().parents[2]
# what no sentence for a user may hold
_FORBIDDEN = ("Traceback", "unexpectedly", "report it")
ANSWER_SECONDS = 60.0


@dataclass(slots=True)
class Figures:
    """Counts and seconds of one loop."""

    name: str
    done: int = 0
    refused: int = 0
    seconds: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def took(self, seconds: float) -> None:
        """One round."""
        self.done += 1
        self.seconds.append(seconds)

    def refusal(self, error: MimeshError, about: str) -> None:
        """A sentence; it counts as a problem when no person could use it."""
        self.refused += 1
        if any(word in str(error) for word in _FORBIDDEN):
            self.problems.append(f"{about}: {error}")

    def line(self, seconds: float) -> str:
        """For the terminal."""
        spread = ""
        if self.seconds:
            spread = f", each {np.median(self.seconds):.2f} s (median), {max(self.seconds):.2f} s (worst)"
        counts = f"{self.done} done, {self.refused} refused in a sentence, {len(self.problems)} problems"
        told = [*(f"  {note}" for note in self.notes), *(f"  ! {text[:1500]}" for text in self.problems[:20])]
        return "\n".join([f"{self.name}: {counts}, {seconds:.0f} s{spread}, {load()}", *told])


def engine_seconds(pid: int) -> float:
    """Seconds of processor time that the process has had, which a busy computer does not change; 0 off Linux."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load() -> str:
    """How busy the computer is, to be read beside seconds."""
    if not hasattr(os, "getloadavg"):
        return "load unknown"
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


@contextmanager
def engine(folder: Path) -> Iterator[EngineClient]:
    """The real one, in this Python."""
    client = EngineClient(Path(sys.executable), ROOT, folder / "work")
    try:
        yield client
    finally:
        client.close(wait=True)


def speech(folder: Path, seconds: float = 3.0) -> Path:
    """A hum that rises and falls: sound enough for the engine."""
    time_axis = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound = 0.2 * np.sin(2 * np.pi * 140 * time_axis) * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * time_axis))
    path = folder / "talk.wav"
    write_audio(path, sound[None].astype(np.float32), SAMPLE_RATE, "pcm_s16le")
    return path


def ask_for(client: EngineClient, path: Path, **settings: object) -> Job:
    """A three-second request."""
    return client.submit(ask(MediaRange(path), **settings))  # type: ignore[arg-type]


def finished(job: Job, figures: Figures, about: str) -> bool:
    """Wait for an end, whichever; too long or a broken result is a problem."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while not job.poll().done:
        if time.monotonic() > deadline:
            figures.problems.append(f"{about}: no answer within {ANSWER_SECONDS:.0f} s")
            job.cancel()
            return False
        time.sleep(0.01)
    try:
        result = job.result()
    except MimeshError as error:
        figures.refusal(error, about)
        return False
    motion = getattr(result, "motion", None)
    if motion is not None and not np.isfinite(motion.expression).all():
        figures.problems.append(f"{about}: the motion holds what is no number")
    return True


def leftovers(folder: Path, figures: Figures) -> None:
    """Job folders that nobody needs any more are a problem."""
    left = list((folder / "work" / "jobs").glob("*")) if (folder / "work").is_dir() else []
    if left:
        figures.problems.append(f"{len(left)} job folders were left behind")
