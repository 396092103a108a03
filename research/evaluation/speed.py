# SPDX-License-Identifier: GPL-3.0-or-later
"""How long things take and how much memory they need, on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.audio.speech import SAMPLE_RATE, Speech
from core.client.client import EngineClient
from core.errors import EngineError
from core.exchange.media_range import MediaRange
from core.exchange.request import MotionRequest
from core.face.motion import INTERNAL_FPS, Motion
from research.paths import ROOT

SECONDS = 10.0
# Blender loads extensions at start: measured in a fresh process, median of several
IMPORT_RUNS = 5
# a process that takes longer than this hangs
CHILD_SECONDS = 400.0


@dataclass(frozen=True, slots=True)
class EngineSpeed:
    """Seconds for 10 s of speech with a 10 s reference that the warm engine has not seen; start-up beside it."""

    start_seconds: float
    total_seconds: float
    stages: dict[str, float]
    again_seconds: float


def engine_speed(audio: Path, reference: Path) -> EngineSpeed:
    """Through the worker process, as the operator does it."""
    with tempfile.TemporaryDirectory(prefix="mimesh-speed-") as folder:
        client = EngineClient(Path(sys.executable), ROOT, Path(folder))
        try:
            began = time.perf_counter()
            client.warm_up()
            # a first request with other ranges brings every part into memory
            client.submit(_request(audio, reference, 0.04, 3.0)).wait()
            start = time.perf_counter() - began
            began = time.perf_counter()
            result = client.submit(_request(audio, reference, 0.0, SECONDS)).wait()
            total = time.perf_counter() - began
            began = time.perf_counter()
            client.submit(_request(audio, reference, 0.0, SECONDS)).wait()
            again = time.perf_counter() - began
        finally:
            client.close()
    return EngineSpeed(start, total, result.stage_seconds, again)


def generation_seconds(generate: Callable[[Speech], Motion], speech: Speech, runs: int = 5) -> float:
    """Median time to turn 10 s of speech into motion, in this process, everything loaded."""
    cut = Speech(speech.samples[: round(SECONDS * SAMPLE_RATE)], speech.source)
    generate(cut)
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        generate(cut)
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def extension_import_seconds() -> float:
    """Median time to import and register the extension in a fresh bpy process (bpy's own import not counted)."""
    code = (
        "import bpy, sys, time, importlib.util\n"
        "began = time.perf_counter()\n"
        f"spec = importlib.util.spec_from_file_location('mimesh', {str(ROOT / '__init__.py')!r}, "
        f"submodule_search_locations=[{str(ROOT)!r}])\n"
        "module = importlib.util.module_from_spec(spec); sys.modules['mimesh'] = module\n"
        "spec.loader.exec_module(module); module.register()\n"
        "took = time.perf_counter() - began\n"
        "assert 'torch' not in sys.modules\n"
        # Blender's module now and then waits for its own threads for ever when the process ends
        "import os; print('MEASURED', took, flush=True); os._exit(0)\n"
    )
    failure = "The extension could not be imported."
    return float(np.median([measure_apart(code, failure)[0] for _ in range(IMPORT_RUNS)]))


def key_writing_seconds(keys: int = 100_000) -> float:
    """Seconds to write about ``keys`` keyframes on the demo head in this process' Blender."""
    from core.face.basis import open_basis
    from core.rig.timing import SceneTiming
    from research.render.evaluate import demo_head_in_fresh_scene, key_motion

    obj = demo_head_in_fresh_scene()
    frames = keys // 57
    rng = np.random.default_rng(0)
    basis = open_basis()
    motion = Motion(
        fps=INTERNAL_FPS,
        expression=rng.normal(size=(frames, 50)).astype(np.float32),
        jaw=np.abs(rng.normal(size=(frames, 3)) * [0.05, 0, 0]).astype(np.float32),
        head=(rng.normal(size=(frames, 3)) * 0.05).astype(np.float32),
        gaze=np.zeros((frames, 2, 2), np.float32),
        basis_name=basis.name,
        basis_hash=basis.hash,
    )
    report = key_motion(obj, motion, SceneTiming(INTERNAL_FPS, 1.0))
    return report.seconds * keys / report.keys_written


def run_python(python: Path, code: str, limit_seconds: float = CHILD_SECONDS) -> subprocess.CompletedProcess[str]:
    """Run ``code`` from the repository's root in a process of its own, which must end within the limit."""
    try:
        return subprocess.run(
            [str(python), "-c", code],
            cwd=ROOT,
            # as the engine's own process: threads that wait must not spin, or a busy machine makes 0.1 s into 3 s
            env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ},
            capture_output=True,
            text=True,
            timeout=limit_seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"A measurement's own process did not end within {limit_seconds:.0f} s.") from error


def measure_apart(code: str, failure: str) -> list[float]:
    """Run ``code``, which prints MEASURED and numbers, in a process of its own; the numbers.

    Raises :class:`EngineError` with the sentence ``failure`` when the process fails or prints none.
    """
    done = run_python(Path(sys.executable), code)
    answer = [line for line in done.stdout.splitlines() if line.startswith("MEASURED")]
    if done.returncode or not answer:
        raise EngineError(failure, done.stderr[-400:])
    return [float(value) for value in answer[-1].split()[1:]]


def peak_memory_mb() -> float:
    """The most memory that this program has held.

    Linux' getrusage would count what the parent held when it started us; the kernel's own high-water mark does not.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) / 1024
    import resource

    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _request(audio: Path, reference: Path, start: float, seconds: float) -> MotionRequest:
    return MotionRequest(
        audio=MediaRange(audio, start, start + seconds), reference=MediaRange(reference, start, start + seconds)
    )
