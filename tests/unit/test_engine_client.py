# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against real child processes that work, die, hang, babble or do not start."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from core.client.client import EngineClient, Job, JobStatus, Patience
from core.client.transport import last_error
from core.errors import CancelledError, EngineError, EngineSetupError, MediaError
from core.exchange.media_range import MediaRange
from core.exchange.protocol import JOB_BEGINS
from core.exchange.request import BankRequest
from core.settings import HeadSettings
from tests.asking import ask
from tests.engine_fakes import ANSWER, ROOT, client_of, scripted
from tests.pace import pace_seconds

REQUEST = ask(MediaRange(Path("/nowhere/talk.wav")), seed=7)


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


def test_death_half_way_is_told_and_the_next_job_starts_a_new_engine(tmp_path: Path) -> None:
    marker = tmp_path / "died"
    body = f"""
progress("track", 0.4)
if not os.path.exists({str(marker)!r}):
    open({str(marker)!r}, "w").close()
    print("out of luck", file=sys.stderr, flush=True)
    time.sleep(0.1)
    os._exit(9)
{ANSWER.strip()}
"""
    with running(scripted(body), tmp_path) as client:
        with pytest.raises(EngineError) as caught:
            client.submit(REQUEST).wait()
        sentence = str(caught.value)
        assert "half-way" in sentence and "'track'" in sentence and "exit code 9" in sentence
        assert "out of luck" in sentence and "engine-" in sentence
        assert len(client.submit(REQUEST).wait().motion) == 50


def test_killed_engine_names_the_signal(tmp_path: Path) -> None:
    script = scripted("progress('motion', 0.9)\nos.kill(os.getpid(), 9)")
    with running(script, tmp_path) as client, pytest.raises(EngineError, match="signal 9"):
        client.submit(REQUEST).wait()


def test_stray_lines_are_ignored(tmp_path: Path) -> None:
    body = "print('python noise')\nos.write(1, b'\\xff\\xfe native noise\\n')\n" + ANSWER
    with running(scripted(body), tmp_path) as client:
        assert len(client.submit(REQUEST).wait().motion) == 50


def test_engine_that_only_babbles_is_given_up(tmp_path: Path) -> None:
    script = "import time\nfor i in range(200): print('nonsense', i, flush=True)\ntime.sleep(60)"
    with running(script, tmp_path) as client, pytest.raises(EngineError, match="nonsense"):
        client.submit(REQUEST).wait()


def test_silent_engine_is_given_up(tmp_path: Path) -> None:
    patience = Patience(silence_seconds=0.4)
    with running(scripted("progress('motion', 0.5)\ntime.sleep(60)"), tmp_path, patience) as client:
        started = time.monotonic()
        with pytest.raises(EngineError, match=r"hangs.*'motion'"):
            client.submit(REQUEST).wait()
        # of the minute that it would hang
        assert time.monotonic() - started < 60 / 4


def test_engine_that_never_says_ready_is_given_up(tmp_path: Path) -> None:
    script, patience = "import time; time.sleep(60)", Patience(start_seconds=0.3)
    with running(script, tmp_path, patience) as client, pytest.raises(EngineError, match="has not started"):
        client.submit(REQUEST).wait()


def test_engine_of_another_version_is_refused(tmp_path: Path) -> None:
    script = (
        "from core.exchange.protocol import Ready\n"
        "print(Ready(99, '3.11', '', {}).to_json(), flush=True)\n"
        "import time; time.sleep(60)"
    )
    with running(script, tmp_path) as client, pytest.raises(EngineError, match="protocol 99"):
        client.submit(REQUEST).wait()


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
        assert time.monotonic() - started < 20 * pace_seconds()
        client.submit(ask(REQUEST.audio, seed=1)).wait()
        assert client.ready is ready


# seed 7: a long job that looks up often; 8: deaf; else an answer at once
_SLOW_OR_DEAF = f"""
for i in range(1000 if request.run.seed == 7 else 0):
    progress("motion", i / 1000)
    time.sleep(0.02)
if request.run.seed == 8:
    progress("track", 0.5)
    time.sleep(60)
{ANSWER.strip()}
"""


def begun(client: EngineClient, seed: int, stage: str) -> Job:
    job = client.submit(ask(REQUEST.audio, seed=seed))
    while job.poll().stage != stage:
        time.sleep(0.01)
    return job


def test_cancel_that_nobody_polls_after_keeps_the_engine_warm_and_leaves_no_folder(tmp_path: Path) -> None:
    with running(scripted(_SLOW_OR_DEAF), tmp_path, Patience(cancel_seconds=0.5)) as client:
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
    with running(scripted(_SLOW_OR_DEAF), tmp_path, Patience(cancel_seconds=0.5)) as client:
        begun(client, 8, "track").cancel()
        time.sleep(pause)
        assert len(client.submit(ask(REQUEST.audio, seed=1)).wait().motion) == 50


def test_twenty_cancels_with_a_click_at_once_after_each_use_one_engine(tmp_path: Path) -> None:
    with running(scripted(_SLOW_OR_DEAF), tmp_path) as client:
        pids = set()
        for _ in range(20):
            begun(client, 7, "motion").cancel()
            after = client.submit(ask(REQUEST.audio, seed=1))
            after.wait()
            pids.add(engine_pid(after))
        assert len(pids) == 1
    assert list((tmp_path / "jobs").iterdir()) == []


def test_job_sent_to_an_engine_that_died_unnoticed_is_served_by_a_new_one(tmp_path: Path) -> None:
    with running(scripted(_SLOW_OR_DEAF), tmp_path) as client:
        first = client.submit(ask(REQUEST.audio, seed=1))
        first.wait()
        os.kill(engine_pid(first), 9)
        assert len(client.submit(ask(REQUEST.audio, seed=1)).wait().motion) == 50


def test_nothing_is_imported_from_the_work_folder(tmp_path: Path) -> None:
    marker = tmp_path / "imported"
    for name in ("platform", "torch", "queue"):
        (tmp_path / f"{name}.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    client = EngineClient(Path(sys.executable), ROOT, tmp_path)
    assert client.track_picture(np.zeros((8, 8, 3), np.uint8)).wait() is None
    client.close(wait=True)
    assert not marker.exists()


def test_death_is_explained_by_the_engines_own_error_not_by_its_libraries_chatter(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "KeyError: 'of an earlier job'\n"
        f"2026-11-26 10:00:00 core.engine.worker {JOB_BEGINS} a1: generate\n"
        "Traceback (most recent call last):\n"
        '  File "x.py", line 3, in <module>\n'
        "numpy.linalg.LinAlgError: SVD did not converge\n"
        "W0000 00:00:1795688123.397335   20735 inference_feedback_manager.cc:121] Feedback manager requires a model\n"
        "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
    )
    assert last_error(log) == "numpy.linalg.LinAlgError: SVD did not converge"
    log.write_text(log.read_text() + f"2026-11-26 10:01:00 worker {JOB_BEGINS} a2: head\nI0000 00:00:17 gl.cc:9] GL\n")
    assert last_error(log) == ""


def test_crash_in_native_code_is_told_as_one(tmp_path: Path) -> None:
    body = "import ctypes, faulthandler\nfaulthandler.enable(sys.stderr)\nctypes.string_at(0)"
    with running(scripted(body), tmp_path) as client, pytest.raises(EngineError) as caught:
        client.submit(REQUEST).wait()
    assert "signal 11 (a crash in native code): Fatal Python error: Segmentation fault" in str(caught.value)


def test_two_clients_of_one_folder_write_logs_of_their_own(tmp_path: Path) -> None:
    with running(scripted(ANSWER), tmp_path) as one, running(scripted(ANSWER), tmp_path) as two:
        jobs = [client.submit(REQUEST) for client in (one, two)]
        for job in jobs:
            job.wait()
        assert one.log != two.log and one.log.is_file() and two.log.is_file()


def test_computer_that_slept_is_no_silence_of_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "progress('motion', 0.5)\ntime.sleep(0.6)\n" + ANSWER
    with running(scripted(body), tmp_path, Patience(silence_seconds=60)) as client:
        job = client.submit(REQUEST)
        while job.poll().stage != "motion":
            time.sleep(0.01)
        real = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: real() + 4000.0)
        assert len(job.wait().motion) == 50


def test_close_that_waits_leaves_no_process_and_no_open_file(tmp_path: Path) -> None:
    client = client_of(scripted(_SLOW_OR_DEAF), tmp_path)
    first = client.submit(ask(REQUEST.audio, seed=1))
    first.wait()
    begun(client, 8, "track")
    client.close(wait=True)
    assert not alive(engine_pid(first))
    assert list((tmp_path / "jobs").iterdir()) == []


def test_long_step_is_told_in_seconds(tmp_path: Path) -> None:
    with running(scripted("progress('motion', 0.5)\ntime.sleep(0.4)\n" + ANSWER), tmp_path) as client:
        job = client.submit(REQUEST)
        seen: list[JobStatus] = []
        job.wait(seen.append)
    assert max(status.quiet_seconds for status in seen) > 0.3
    assert seen[-1].quiet_seconds == 0.0


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
        assert time.monotonic() - started < 80 * pace_seconds()
        assert gone_within(int(pid_file.read_text()), 4.0)


def test_close_ends_the_engine_and_cancels_its_jobs(tmp_path: Path) -> None:
    with running(scripted(ANSWER), tmp_path) as client:
        first = client.submit(REQUEST)
        first.wait()
        second = client.submit(REQUEST)
        client.close()
        with pytest.raises(CancelledError):
            second.result()
        assert gone_within(engine_pid(first), 3.0)


def test_engine_dies_with_its_caller(tmp_path: Path) -> None:
    code = (
        "import sys, os\n"
        "from pathlib import Path\n"
        "from tests.engine_fakes import ANSWER, client_of, scripted\n"
        "from core.exchange.media_range import MediaRange\n"
        "from core.exchange.request import MotionRequest\n"
        f"client = client_of(scripted(ANSWER), Path({str(tmp_path)!r}))\n"
        "print(client.submit(MotionRequest(MediaRange(Path('x.wav')))).wait().notes[0], flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    assert gone_within(int(done.stdout.split()[1]), 5.0)


def test_missing_python_is_one_clear_sentence(tmp_path: Path) -> None:
    client = EngineClient(tmp_path / "no-python", ROOT, tmp_path)
    with pytest.raises(EngineSetupError, match=r"no-python does not exist"):
        client.submit(REQUEST)
    assert list((tmp_path / "jobs").iterdir()) == []


def test_program_that_is_no_python_is_told(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho 'not today' >&2\nexit 4\n")
    program.chmod(0o755)
    client = EngineClient(program, ROOT, tmp_path)
    with pytest.raises(EngineSetupError, match=r"cannot start.*exit code 4: not today"):
        client.submit(REQUEST).wait()


def test_python_without_packages_is_told_by_name(tmp_path: Path) -> None:
    program = tmp_path / "python"
    # -S hides site-packages; -E would hide our PYTHONPATH too
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    program.chmod(0o755)
    client = EngineClient(program, ROOT, tmp_path)
    with pytest.raises(EngineSetupError, match=r"numpy is missing.*mediapipe is missing"):
        client.submit(REQUEST).wait()


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
