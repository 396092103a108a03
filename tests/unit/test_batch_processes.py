# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows shared out to processes: each is made once, a process that dies costs its rows alone, none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from core.batch.journal import Journal
from core.batch.manifest import read_manifest
from core.batch.processes import ProcessRunner, processes_for
from core.batch.row import Row
from core.batch.run import Batch, BatchCount, Made
from tests.batch_made import SlowRunner, faults, right_content, write_rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ROWS = 80
ROOT = Path(__file__).resolve().parents[2]
# a batch in two processes that says who they are, for a test that kills the one that shares out
PARENT = """
import sys
from pathlib import Path
from tests.unit.test_batch_processes import run_batch
if __name__ == "__main__":
    run_batch(Path(sys.argv[1]))
"""


class Telling:
    """Writes right rows slowly, says who wrote them, and dies where a row is called so."""

    kinds = (".npz",)
    at_once = 8

    def run(self, rows: Sequence[Row], partials: Sequence[Path]) -> Generator[Made, None, None]:
        for row, partial in zip(rows, partials, strict=True):
            mark = row.out.with_suffix(".died")
            if row.name.startswith("deadly") and not mark.exists():
                mark.write_bytes(b"")
                os.kill(os.getpid(), signal.SIGKILL)
            for made in SlowRunner(0.01).run([row], [partial]):
                yield Made(made.row, made.error, {"worker": os.getpid(), "notes": []})


def run_batch(folder: Path) -> BatchCount:
    rows = read_manifest(folder / "rows.csv", folder, {})
    runner = ProcessRunner(Telling, (".npz",), 2)
    try:
        return Batch(rows, [runner], Journal.open(folder)).run()
    finally:
        runner.close()


def test_both_processes_work_and_each_row_is_made_once(tmp_path: Path) -> None:
    manifest = write_rows(tmp_path, ROWS)
    (tmp_path / "out").mkdir()
    count = run_batch(tmp_path)
    assert (count.done, count.failed) == (ROWS, 0)
    assert faults(manifest, tmp_path, contents()) == []
    journal = Journal.open(tmp_path)
    workers = {event["facts"]["worker"] for event in journal.events() if event["event"] == "done"}
    assert len(workers) == 2 and os.getpid() not in workers
    assert not any(map(_alive, workers))


def test_a_process_that_dies_is_replaced_and_its_rows_are_tried_again(tmp_path: Path) -> None:
    manifest = write_rows(tmp_path, ROWS)
    (tmp_path / "out").mkdir()
    manifest.write_text(manifest.read_text().replace("row0020", "deadly0020"))
    count = run_batch(tmp_path)
    assert (count.done, count.failed) == (ROWS, 0)
    (tmp_path / "out" / "deadly0020.died").unlink()
    right = contents() | {"deadly0020.npz": right_content(20)}
    assert faults(manifest, tmp_path, right) == []
    retried = {event["row"] for event in Journal.open(tmp_path).events() if event["event"] == "retried"}
    assert 20 in retried and len(retried) <= 32


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_none_outlives_the_process_that_shares_out(tmp_path: Path, number: signal.Signals) -> None:
    manifest = write_rows(tmp_path, ROWS)
    (tmp_path / "out").mkdir()
    (tmp_path / "parent.py").write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, str(tmp_path / "parent.py"), str(tmp_path)], env=environment, cwd=ROOT)
    _until(lambda: len(list((tmp_path / "out").glob("row*.npz"))) > 4)
    children = [int(name) for name in Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()]
    assert len(children) >= 2
    parent.send_signal(number)
    parent.wait(20)
    _until(lambda: not any(map(_alive, children)))
    before = sorted(tmp_path.joinpath("out").iterdir())
    time.sleep(0.3)
    assert sorted(tmp_path.joinpath("out").iterdir()) == before
    assert run_batch(tmp_path).failed == 0
    assert faults(manifest, tmp_path, contents()) == []


def test_small_batches_stay_in_one_process() -> None:
    assert processes_for(20, None) == 1 and processes_for(20, 3) == 3 and processes_for(20, 0) == 1
    assert processes_for(10_000, None) == min(os.cpu_count() or 1, 4)


def contents() -> dict[str, bytes]:
    return {f"row{i:04d}.npz": right_content(i) for i in range(1, ROWS + 1)}


def _until(holds: object, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        # a zombie is no process any more
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
