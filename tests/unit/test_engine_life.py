# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's process from start to end: it dies, hangs, babbles, does not start, or is closed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from core.client.client import EngineClient, Patience
from core.client.transport import last_error
from core.errors import CancelledError, EngineError, EngineSetupError
from core.exchange.protocol import JOB_BEGINS
from tests.asking import ask
from tests.engine_fakes import ANSWER, ROOT, client_of, scripted
from tests.engine_processes import REQUEST, SLOW_OR_DEAF, alive, begun, engine_pid, gone_within, running

pytestmark = pytest.mark.slow


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


def test_job_sent_to_an_engine_that_died_unnoticed_is_served_by_a_new_one(tmp_path: Path) -> None:
    with running(scripted(SLOW_OR_DEAF), tmp_path) as client:
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
    client = client_of(scripted(SLOW_OR_DEAF), tmp_path)
    first = client.submit(ask(REQUEST.audio, seed=1))
    first.wait()
    begun(client, 8, "track")
    client.close(wait=True)
    assert not alive(engine_pid(first))
    assert list((tmp_path / "jobs").iterdir()) == []


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
