# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch on a local Dask cluster of two processes; one is killed, and every row is made once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from core.batch.dask_cluster import DaskRunner, open_client
from core.batch.journal import Journal
from core.batch.manifest import read_manifest
from core.batch.row import Row
from core.batch.run import Batch, BatchCount, Made
from core.errors import EngineSetupError
from tests.batch_made import SlowRunner, faults, right_content, write_rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ROWS = 40
ROOT = Path(__file__).resolve().parents[2]


class Counting:
    """Writes right rows, and who wrote them."""

    kinds = (".npz",)
    at_once = 4

    def run(self, rows: Sequence[Row], partials: Sequence[Path]) -> Iterator[Made]:
        for made in SlowRunner(0.05).run(rows, partials):
            yield Made(made.row, made.error, {"worker": os.getpid(), "notes": []})


def test_without_dask_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EngineSetupError, match=r"dask\[distributed\]"):
        open_client(None, 2)


def test_a_worker_that_dies_is_survived_and_every_row_is_made_once(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    manifest = write_rows(tmp_path, ROWS)
    (tmp_path / "out").mkdir()
    client = open_client(None, 2)
    killed: list[int] = []

    def kill_one(row: Row, count: BatchCount) -> None:
        if count.done >= 6 and not killed:
            workers = [info["pid"] for info in client.run(lambda: {"pid": os.getpid()}).values()]
            killed.append(workers[0])
            os.kill(workers[0], signal.SIGKILL)

    try:
        rows = read_manifest(manifest, tmp_path, {})
        runner = DaskRunner(client, Counting, (".npz",), together=2)
        journal = Journal.open(tmp_path)
        count = Batch(rows, [runner], journal, retries=1, watch=kill_one).run()
        assert (count.done, count.failed, len(killed)) == (ROWS, 0, 1)
        contents = {f"row{i:04d}.npz": right_content(i) for i in range(1, ROWS + 1)}
        deadline = time.monotonic() + 10
        while (wrong := faults(manifest, tmp_path, contents)) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert wrong == []
        workers = {journal.state(row).facts["worker"] for row in rows}  # type: ignore[union-attr]
        assert len(workers) >= 2
    finally:
        cluster = client.cluster
        client.close()
        if cluster is not None:
            cluster.close()


def test_a_bad_row_fails_alone(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    write_rows(tmp_path, 4)
    (tmp_path / "out").mkdir()
    (tmp_path / "rows.csv").write_text("audio,out\ntalk.wav,out/bad.npz\ntalk.wav,out/row0002.npz\n")
    client = open_client(None, 1)
    try:
        runner = DaskRunner(client, SlowRunner, (".npz",), together=2)
        rows = read_manifest(tmp_path / "rows.csv", tmp_path, {})
        count = Batch(rows, [runner], Journal.open(tmp_path), retries=0).run()
        assert (count.done, count.failed) == (1, 1)
        assert count.first_error is not None and "It died" in str(count.first_error)
    finally:
        cluster = client.cluster
        client.close()
        if cluster is not None:
            cluster.close()


def test_a_scheduler_and_workers_of_their_own_survive_a_worker(tmp_path: Path) -> None:
    """As a farm has it: dask scheduler and dask worker from the command line, one worker killed for good."""
    pytest.importorskip("distributed")
    manifest = write_rows(tmp_path, ROWS)
    (tmp_path / "out").mkdir()
    address = tmp_path / "scheduler.json"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        log = (tmp_path / f"{arguments[0]}.log").open("ab")
        command = [sys.executable, "-m", "dask", *arguments, "--scheduler-file", str(address)]
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=tmp_path)

    processes = [start("scheduler", "--port", "0", "--no-dashboard", "--no-jupyter")]
    client = None
    try:
        processes += [start("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard") for _ in range(2)]
        deadline = time.monotonic() + 90
        while not (address.is_file() and address.read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.1)
        client = open_client(json.loads(address.read_text())["address"], 0)
        client.wait_for_workers(2, timeout=90)
        killed: list[int] = []

        def kill_one(row: Row, count: BatchCount) -> None:
            if count.done >= 6 and not killed:
                killed.append(processes[1].pid)
                processes[1].kill()

        rows = read_manifest(manifest, tmp_path, {})
        runner = DaskRunner(client, Counting, (".npz",), together=2)
        journal = Journal.open(tmp_path)
        count = Batch(rows, [runner], journal, retries=1, watch=kill_one).run()
        assert (count.done, count.failed, len(killed)) == (ROWS, 0, 1)
        workers = {journal.state(row).facts["worker"] for row in rows}  # type: ignore[union-attr]
        assert workers == {processes[1].pid, processes[2].pid}
        contents = {f"row{i:04d}.npz": right_content(i) for i in range(1, ROWS + 1)}
        assert faults(manifest, tmp_path, contents) == []
    finally:
        if client is not None:
            client.close()
        for process in reversed(processes):
            process.kill()
            process.wait(30)


def test_a_scheduler_that_does_not_answer_is_one_sentence() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(EngineSetupError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        open_client("tcp://127.0.0.1:9", 0)
