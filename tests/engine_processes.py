# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of scripted engines, and what is asked of their processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.client.client import EngineClient, Job, Patience
from core.exchange.media_range import MediaRange
from tests.asking import ask
from tests.engine_fakes import ANSWER, client_of

REQUEST = ask(MediaRange(Path("/nowhere/talk.wav")), seed=7)
# seed 7: a long job that looks up often; 8: deaf; else an answer at once
SLOW_OR_DEAF = f"""
for i in range(1000 if request.run.seed == 7 else 0):
    progress("motion", i / 1000)
    time.sleep(0.02)
if request.run.seed == 8:
    progress("track", 0.5)
    time.sleep(60)
{ANSWER.strip()}
"""


@contextmanager
def running(script: str, folder: Path, patience: Patience | None = None) -> Iterator[EngineClient]:
    client = client_of(script, folder, patience)
    try:
        yield client
    finally:
        client.close()


def engine_pid(job: Job) -> int:
    return int(job.result().notes[0].split()[1])


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def begun(client: EngineClient, seed: int, stage: str) -> Job:
    job = client.submit(ask(REQUEST.audio, seed=seed))
    while job.poll().stage != stage:
        time.sleep(0.01)
    return job
