# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against real child processes: results, progress, errors."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.client.client import JobStatus
from core.client.leftovers import remove_leftovers
from core.errors import EngineError, MediaError
from core.exchange.request import BankRequest
from core.settings import HeadSettings
from tests.asking import ask
from tests.engine_fakes import ANSWER, ROOT, scripted
from tests.engine_processes import REQUEST, engine_pid, running
from tests.pace import pace_seconds

pytestmark = pytest.mark.slow


def test_result_arrives_with_rising_progress(tmp_path: Path) -> None:
    seen: list[JobStatus] = []
    with running(scripted(ANSWER), tmp_path) as client:
        job = client.submit(REQUEST)
        result = job.wait(seen.append)
    assert result.motion.expression.shape == (50, 50)
    assert float(result.motion.expression[0, 0]) == 7.0
    assert result.provenance.run.seed == 7
    assert [status.fraction for status in seen] == sorted(status.fraction for status in seen)
    assert seen[-1].done and seen[-1].fraction == 1.0


def test_regenerated_head_and_bank_cross_the_process_border(tmp_path: Path) -> None:
    with running(scripted(ANSWER), tmp_path) as client:
        regenerated = client.regenerate_head(dataclasses.replace(REQUEST, head=HeadSettings(seed=5))).wait()
        added = client.add_to_bank(BankRequest(tmp_path / "b.safetensors", style=tmp_path / "s", name="Ada")).wait()
    assert regenerated.head.shape == (50, 3) and float(regenerated.head[0, 0]) == 5.0
    assert regenerated.provenance.run.seed == 7
    assert (added.added, added.names) == ("Ada", ("Bundled", "Ada"))


def test_poll_never_waits(tmp_path: Path) -> None:
    with running(scripted("time.sleep(0.5)\n" + ANSWER), tmp_path) as client:
        job = client.submit(REQUEST)
        # one that waited for the half second of work would be done
        assert not any(job.poll().done for _ in range(50))
        job.wait()


def test_engine_stays_warm_between_jobs(tmp_path: Path) -> None:
    with running(scripted(ANSWER), tmp_path) as client:
        first, second = client.submit(REQUEST), client.submit(REQUEST)
        first.wait()
        second.wait()
        assert engine_pid(first) == engine_pid(second)


def test_job_folders_are_removed(tmp_path: Path) -> None:
    with running(scripted(ANSWER), tmp_path) as client:
        client.submit(REQUEST).wait()
    assert list((tmp_path / "jobs").iterdir()) == []


def test_old_leftovers_of_a_crash_are_removed_and_young_ones_kept(tmp_path: Path) -> None:
    old, young = tmp_path / "jobs" / "old", tmp_path / "jobs" / "young"
    for folder in (old, young):
        folder.mkdir(parents=True)
        (folder / "picture.npz").write_bytes(b"x")
    os.utime(old, (1000, 1000))
    with running(scripted(ANSWER), tmp_path) as client:
        client.submit(REQUEST).wait()
    assert not old.exists() and young.exists()


def test_job_of_a_blender_that_runs_stays_though_the_clock_jumped_by_days(tmp_path: Path) -> None:
    # a process that lives, one that is no more, and a number that no process has
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = [f"{os.getpid()}-aa", f"{gone.pid}-bb", f"{10**30}-cc"]
    for name in names:
        (tmp_path / "jobs" / name).mkdir(parents=True)
        os.utime(tmp_path / "jobs" / name, (1000, 1000))
    remove_leftovers(tmp_path)
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == names[:1]


def test_error_of_the_engine_keeps_its_kind_and_sentence(tmp_path: Path) -> None:
    with running(scripted("raise MediaError('No sound in x.mp4.', 'Choose another.')"), tmp_path) as client:
        with pytest.raises(MediaError) as caught:
            client.submit(REQUEST).wait()
        assert caught.value.hint == "Choose another."


def test_bug_in_the_engine_becomes_a_sentence_and_the_engine_lives_on(tmp_path: Path) -> None:
    body = "if request.run.seed == 7: {}['missing']\n" + ANSWER
    with running(scripted(body), tmp_path) as client:
        with pytest.raises(EngineError, match="KeyError") as caught:
            client.submit(REQUEST).wait()
        assert "Traceback" not in str(caught.value)
        assert len(client.submit(ask(REQUEST.audio, seed=1)).wait().motion) == 50
    assert "Traceback" in client.log.read_text()


def test_stray_lines_are_ignored(tmp_path: Path) -> None:
    body = "print('python noise')\nos.write(1, b'\\xff\\xfe native noise\\n')\n" + ANSWER
    with running(scripted(body), tmp_path) as client:
        assert len(client.submit(REQUEST).wait().motion) == 50


def test_long_step_is_told_in_seconds(tmp_path: Path) -> None:
    with running(scripted("progress('motion', 0.5)\ntime.sleep(0.4)\n" + ANSWER), tmp_path) as client:
        job = client.submit(REQUEST)
        seen: list[JobStatus] = []
        job.wait(seen.append)
    assert max(status.quiet_seconds for status in seen) > 0.3
    assert seen[-1].quiet_seconds == 0.0


def test_step_that_cannot_say_a_word_says_why_beforehand_and_checkpoints_are_words(tmp_path: Path) -> None:
    body = (
        "from core.checkpoint import checkpoint, uninterrupted\n"
        "progress('style', 0.5)\nwith uninterrupted('loading a library'): time.sleep(0.6)\n"
        "for _ in range(25): time.sleep(0.1); checkpoint()\n" + ANSWER
    )
    with running(scripted(body), tmp_path) as client:
        seen: list[JobStatus] = []
        client.submit(REQUEST).wait(seen.append)
    explained = [status for status in seen if status.silent_for]
    assert {status.silent_for for status in explained} == {"loading a library"}
    assert max(status.quiet_seconds for status in explained) > 0.4
    # no progress for two and a half seconds, but a word
    working = [status for status in seen if status.stage == "style" and not status.silent_for]
    assert max(status.quiet_seconds for status in working) < 2.0


def test_picture_goes_there_and_landmarks_come_back(tmp_path: Path) -> None:
    with running(scripted(ANSWER), tmp_path) as client:
        found = client.track_picture(np.full((4, 4, 3), 9, np.uint8)).wait()
        assert found is not None and found.shape == (478, 3) and float(found[0, 0]) == 9.0
        assert client.track_picture(np.zeros((4, 4, 3), np.uint8)).wait() is None


def test_result_before_the_end_is_refused(tmp_path: Path) -> None:
    with running(scripted("time.sleep(0.2)\n" + ANSWER), tmp_path) as client:
        job = client.submit(REQUEST)
        with pytest.raises(EngineError, match="not done"):
            job.result()
        job.wait()


def test_client_imports_fast_and_without_engine_packages() -> None:
    code = (
        "import sys, numpy, time\n"
        "for name in ('torch', 'av', 'mediapipe', 'librosa', 'scipy'): sys.modules[name] = None\n"
        "import json, subprocess, threading, queue, uuid, shutil, logging, argparse, hashlib, tempfile\n"
        # processor time: what else the machine is doing must not decide
        "started = time.process_time()\n"
        "import core.client.client\n"
        "print(time.process_time() - started)\n"
    )
    run = [sys.executable, "-c", code]
    seconds = [
        float(subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True).stdout) for _ in range(3)
    ]
    assert min(seconds) < 1.5 * pace_seconds()
