# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting up and testing the engine as steps that never block. No bpy here; the set-up runs in a thread."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import CancelledError
from .engine_port import Engine
from .environment import create_environment, environment_python
from .steps import StepStatus

Steps = Generator[StepStatus, None, str]

# lines that pip prints in all for our packages; only the bar depends on it
_EXPECTED_LINES = 90
_TEST_PICTURE = (64, 64, 3)


@dataclass(slots=True)
class _Setup:
    """Runs in a thread of its own; the two sides share the queue and the flag, nothing else."""

    create: Callable[[Callable[[str], None]], Path]
    lines: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)
    cancelled: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None

    def run(self) -> None:
        try:
            self.create(self._tell)
        except BaseException as error:  # noqa: BLE001 (handed to the waiting side, which raises it)
            self.error = error

    def _tell(self, line: str) -> None:
        if self.cancelled.is_set():
            raise CancelledError("The engine setup was cancelled.")
        self.lines.put(line)


def setup_steps(folder: Path, online: bool) -> Steps:
    """Make the environment in ``folder``. Raises :class:`EngineSetupError`; a cancelled attempt is removed."""
    setup = _Setup(lambda tell: create_environment(folder, online, tell))
    thread = threading.Thread(target=setup.run, name="mimesh-setup", daemon=True)
    thread.start()
    line, seen = "Starting", 0
    try:
        while thread.is_alive():
            while not setup.lines.empty():
                line, seen = setup.lines.get(), seen + 1
            yield StepStatus(line[:80], min(seen / _EXPECTED_LINES, 0.98))
    finally:
        setup.cancelled.set()
    if setup.error is not None:
        raise setup.error
    return f"The engine is ready: {environment_python(folder)}."


def probe_steps(client: Engine) -> Steps:
    """Start the engine and let it look at an empty picture: tells whether Python, packages and pipe work."""
    started = time.perf_counter()
    job = client.track_picture(np.zeros(_TEST_PICTURE, np.uint8))
    try:
        while not (status := job.poll()).done:
            yield StepStatus("Starting the engine", status.fraction)
    finally:
        job.cancel()
    job.result()
    seconds = time.perf_counter() - started
    ready = client.ready
    lines = [f"The engine works; it answered after {seconds:.1f} s."]
    if ready is not None:
        lines.append(f"Python {ready.python} at {client.python}")
        lines.append(", ".join(f"{name} {ready.packages[name]}" for name in ("torch", "mediapipe", "av")))
        lines.append(_device(str(ready.packages["torch"])))
    return "\n".join(lines)


def _device(torch_version: str) -> str:
    # a CPU build says so in its version; otherwise the engine takes a CUDA device when there is one
    return "Runs on the processor." if "+cpu" in torch_version else "Runs on the graphics card when it is a CUDA one."
