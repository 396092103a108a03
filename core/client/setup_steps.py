# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting up and testing the engine as steps that never block. No bpy here; the set-up runs in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import CancelledError
from .engine_port import Engine
from .environment import environment_python
from .install import create_environment
from .setup_plan import SetupChoice
from .setup_progress import SetupProgress
from .steps import StepStatus

Steps = Generator[StepStatus, None, str]

_TEST_PICTURE = (64, 64, 3)
_STOP_SECONDS = 2.0


@dataclass(slots=True)
class _Setup:
    """Runs in a thread of its own; the two sides share the status and the flag, nothing else."""

    create: Callable[[Callable[[SetupProgress], None]], Path]
    status: StepStatus = field(default_factory=lambda: StepStatus("Starting", 0.0))
    cancelled: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None

    def run(self) -> None:
        try:
            self.create(self._tick)
        except BaseException as error:  # noqa: BLE001 (handed to the waiting side, which raises it)
            self.error = error

    def _tick(self, progress: SetupProgress) -> None:
        if self.cancelled.is_set():
            raise CancelledError("The engine setup was cancelled.")
        self.status = StepStatus(progress.words(), progress.fraction)


def setup_steps(folder: Path, choice: SetupChoice, online: bool) -> Steps:
    """Make an environment in ``folder``. Raises :class:`EngineSetupError`.

    Closing it stops the installer at once; the environment that was in use before stays in use.
    """
    setup = _Setup(lambda tick: create_environment(folder, choice, online, tick))
    thread = threading.Thread(target=setup.run, name="mimesh-setup", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            yield setup.status
    finally:
        setup.cancelled.set()
        # long enough for the installer to be stopped: then the button can be pressed again
        thread.join(_STOP_SECONDS)
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
