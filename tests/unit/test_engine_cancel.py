# SPDX-License-Identifier: GPL-3.0-or-later
"""Esc: the job ends, the engine stays warm, and the next click is served whenever it comes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from core.client.client import Patience
from core.errors import CancelledError
from tests.asking import ask
from tests.engine_fakes import ANSWER, scripted
from tests.engine_processes import REQUEST, SLOW_OR_DEAF, alive, begun, engine_pid, gone_within, running
from tests.pace import pace_seconds

pytestmark = pytest.mark.slow


def test_cancel_ends_the_job_and_keeps_the_engine(tmp_path: Path) -> None:
    body = f"""
for i in range(1000 if request.run.seed == 7 else 1):
    progress("motion", i / 1000)
    time.sleep(0.02)
{ANSWER.strip()}
"""
    with running(scripted(body), tmp_path) as client:
        job = client.submit(REQUEST)
        while job.poll().stage != "motion":
            time.sleep(0.01)
        ready = client.ready
        job.cancel()
        started = time.monotonic()
        with pytest.raises(CancelledError):
            job.wait()
        assert time.monotonic() - started < 60 * pace_seconds()
        client.submit(ask(REQUEST.audio, seed=1)).wait()
        assert client.ready is ready


def test_cancel_that_nobody_polls_after_keeps_the_engine_warm_and_leaves_no_folder(tmp_path: Path) -> None:
    with running(scripted(SLOW_OR_DEAF), tmp_path, Patience(cancel_seconds=0.5)) as client:
        first = client.submit(ask(REQUEST.audio, seed=1))
        first.wait()
        job = begun(client, 7, "motion")
        job.cancel()
        # longer than the patience, as a person who looks at the scene; the operator has let go of the job
        time.sleep(1.0)
        assert not job.folder.exists()
        assert alive(engine_pid(first))
        after = client.submit(ask(REQUEST.audio, seed=1))
        after.wait()
        assert engine_pid(after) == engine_pid(first)


@pytest.mark.parametrize("pause", [0.0, 0.2, 0.45, 0.6, 1.2])
def test_click_whenever_after_a_cancel_that_a_deaf_engine_ignores_is_served(tmp_path: Path, pause: float) -> None:
    with running(scripted(SLOW_OR_DEAF), tmp_path, Patience(cancel_seconds=0.5)) as client:
        begun(client, 8, "track").cancel()
        time.sleep(pause)
        assert len(client.submit(ask(REQUEST.audio, seed=1)).wait().motion) == 50


def test_twenty_cancels_with_a_click_at_once_after_each_use_one_engine(tmp_path: Path) -> None:
    with running(scripted(SLOW_OR_DEAF), tmp_path) as client:
        pids = set()
        for _ in range(20):
            begun(client, 7, "motion").cancel()
            after = client.submit(ask(REQUEST.audio, seed=1))
            after.wait()
            pids.add(engine_pid(after))
        assert len(pids) == 1
    assert list((tmp_path / "jobs").iterdir()) == []


def test_cancel_of_a_waiting_job_leaves_the_running_one_alone(tmp_path: Path) -> None:
    with running(scripted("time.sleep(0.3)\n" + ANSWER), tmp_path) as client:
        first, second = client.submit(REQUEST), client.submit(REQUEST)
        second.cancel()
        assert len(first.wait().motion) == 50
        with pytest.raises(CancelledError):
            second.wait()


def test_engine_deaf_to_cancel_is_killed_within_its_deadlines(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    body = f"""
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open({str(pid_file)!r}, "w").write(str(os.getpid()))
progress("track", 0.5)
while True:
    time.sleep(1)
"""
    with running(scripted(body), tmp_path, Patience(cancel_seconds=0.3)) as client:
        job = client.submit(REQUEST)
        while job.poll().stage != "track":
            time.sleep(0.01)
        started = time.monotonic()
        job.cancel()
        with pytest.raises(CancelledError):
            job.wait()
        assert time.monotonic() - started < 160 * pace_seconds()
        assert gone_within(int(pid_file.read_text()), 4.0)
