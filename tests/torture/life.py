# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills, cancels, bad lines, bad disks and two clients."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core.client.client import EngineClient
from core.errors import MimeshError
from tests.engine_fakes import ANSWER, client_of, scripted
from tests.torture.bench import ROOT, Figures, ask_for, engine, engine_seconds, finished, leftovers, speech

# seconds that a three-second request may take right after a cancel, engine warm
_WARM_SECONDS = 0.5
_SLOW = f"for i in range(20):\n    progress('motion', i / 20)\n    time.sleep(0.005)\n{ANSWER.strip()}"


def kills(folder: Path, count: int, seed: int, figures: Figures) -> None:
    """The engine (without models: it starts fast) is killed at any moment of a job; the next one is served."""
    rng = random.Random(seed)
    client = client_of(scripted(_SLOW), folder / "work")
    try:
        for index in range(count):
            job = ask_for(client, folder / "talk.wav")
            deadline = time.monotonic() + rng.uniform(0.0, 0.6)
            while not job.poll().done and time.monotonic() < deadline:
                time.sleep(0.005)
            _kill(client)
            started = time.monotonic()
            finished(job, figures, f"kill {index}")
            if not finished(ask_for(client, folder / "talk.wav"), figures, f"after kill {index}"):
                figures.problems.append(f"the job after kill {index} was not served")
            figures.took(time.monotonic() - started)
    finally:
        client.close(wait=True)
    leftovers(folder, figures)


def cancels(folder: Path, count: int, seed: int, figures: Figures) -> None:
    """Esc at any moment, a new click at once: the engine stays and the click is served warm."""
    rng, path = random.Random(seed), speech(folder)
    with engine(folder) as client:
        for index in range(4):
            started = time.monotonic()
            finished(ask_for(client, path, seed=index), figures, "first runs")
        figures.notes.append(f"the last warm run without a cancel before it took {time.monotonic() - started:.2f} s")
        process, late = _pid(client), 0
        work: list[float] = []
        for index in range(count):
            job = ask_for(client, path, seed=index)
            time.sleep(rng.uniform(0.0, 0.3))
            job.cancel()
            started, before = time.monotonic(), engine_seconds(process)
            if not finished(ask_for(client, path, seed=index + 1), figures, f"click {index}"):
                figures.problems.append(f"the click after cancel {index} was not served")
            figures.took(time.monotonic() - started)
            late += figures.seconds[-1] > _WARM_SECONDS
            work.append(engine_seconds(process) - before)
        if _pid(client) != process:
            figures.problems.append("the engine was started anew")
        else:
            figures.notes.append("the engine was one process throughout")
        figures.notes.append(f"{late} of {count} clicks took more than {_WARM_SECONDS} s")
        figures.notes.append(
            f"of the engine's processor each click took {np.median(work):.2f} s (median), {max(work):.2f} s (worst)"
        )
        time.sleep(0.2)
        client.pump()
    leftovers(folder, figures)


def protocol_lines(folder: Path, count: int, seed: int, figures: Figures) -> None:
    """Lines that no client sends, into the stdin of a real worker; then it still looks at a picture."""
    rng = random.Random(seed)
    valid = [
        {"type": "generate", "job": "a", "folder": str(folder), "request": {"audio": {"path": "x"}}},
        {"type": "picture", "job": "b", "folder": str(folder / "nowhere")},
        {"type": "bank", "job": "c", "folder": str(folder), "request": {}},
        {"type": "track", "job": "d", "folder": str(folder), "range": {"path": "/nowhere", "start_seconds": 0}},
        {"type": "cancel", "job": "a"},
    ]
    with engine(folder) as client:
        client.warm_up()
        process = _pid(client)
        for _ in range(count):
            started = time.monotonic()
            client._transport.send(_mangled(rng.choice(valid), rng))  # type: ignore[union-attr]
            client.pump()
            figures.took(time.monotonic() - started)
        black = client.track_picture(np.zeros((16, 16, 3), np.uint8))
        finished(black, figures, "picture after the lines")
        if _pid(client) != process:
            figures.problems.append("a line ended the engine")
        said = client.log.read_text(errors="replace")
        if "Traceback" in said:
            last = said[said.rindex("Traceback") :][:1500]
            figures.problems.append(f"{said.count('Traceback')} tracebacks in the log: {last}")
    leftovers(folder, figures)


def disks(folder: Path, count: int, seed: int, figures: Figures) -> None:
    """A full and a read-only work folder, a file in its place, a cache that is a file."""
    path = speech(folder)
    for name, options in (("full", "size=16k"), ("read-only", "ro")):
        with _mounted(folder / name, options) as mounted:
            if not mounted:
                figures.notes.append(f"{name} disk not tried: no right to mount one")
                continue
            _tried(EngineClient(Path(sys.executable), ROOT, folder / name), path, figures, f"{name} disk")
    (folder / "file").write_text("a file")
    _tried(EngineClient(Path(sys.executable), ROOT, folder / "file"), path, figures, "a file as work folder")
    (folder / "cachefile").mkdir()
    (folder / "cachefile" / "cache").write_text("a file")
    _tried(EngineClient(Path(sys.executable), ROOT, folder / "cachefile"), path, figures, "a file as cache")


def two_clients(folder: Path, count: int, seed: int, figures: Figures) -> None:
    """Two callers with engines of their own on one work folder, at the same time."""
    path = speech(folder)

    def work() -> None:
        with engine(folder) as client:
            for index in range(count // 2):
                started = time.monotonic()
                if not finished(ask_for(client, path, seed=index), figures, f"job {index}"):
                    figures.problems.append(f"job {index} was not served")
                figures.took(time.monotonic() - started)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    leftovers(folder, figures)


def _tried(client: EngineClient, path: Path, figures: Figures, about: str) -> None:
    started = time.monotonic()
    try:
        served = finished(ask_for(client, path), figures, about)
        figures.notes.append(f"{about}: {'served' if served else 'refused'}")
    except MimeshError as error:
        figures.refusal(error, about)
        figures.notes.append(f"{about}: {error}")
    client.close(wait=True)
    figures.took(time.monotonic() - started)


@contextlib.contextmanager
def _mounted(folder: Path, options: str) -> Iterator[bool]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False).returncode == 0 if os.geteuid() == 0 else False
    try:
        yield done
    finally:
        if done:
            subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


def _mangled(message: dict[str, object], rng: random.Random) -> str:
    if rng.random() < 0.2:
        return "".join(chr(rng.choice((9, 32, 34, 58, 91, 123, 125, 233, 0x1F600))) for _ in range(rng.randrange(200)))
    changed = dict(message)
    key = rng.choice(sorted(changed))
    junk = (None, True, -1, 1e308, "", "x" * 5000, [], {}, [[[]]], {"audio": None}, "../../..", "\x00", {"path": {}})
    changed[key] = rng.choice(junk)
    text = json.dumps(changed)
    if rng.random() < 0.3:
        text = text[: rng.randrange(len(text))]
    if rng.random() < 0.2:
        text = text.replace("1e+308", "1e999").replace("-1", "NaN")
    return text.replace("\n", " ")


def _kill(client: EngineClient) -> None:
    pid = _pid(client)
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)


def _pid(client: EngineClient) -> int:
    process = getattr(client._transport, "_process", None)
    return process.pid if process is not None else 0
