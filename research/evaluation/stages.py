# SPDX-License-Identifier: GPL-3.0-or-later
"""Seconds of every stage on its own, and growth with the length of the speech, each length in its own process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.audio.decode import load_speech
from core.audio.speech import SAMPLE_RATE, Speech
from research.evaluation.speed import measure_apart, peak_memory_mb

GROWTH_SECONDS = (10.0, 30.0, 120.0, 600.0, 1800.0)
SECONDS = 10.0
RUNS = 3


@dataclass(frozen=True, slots=True)
class StageTime:
    """Median seconds of one stage for ten seconds of speech or of reference video."""

    stage: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Growth:
    """One length of speech through the generator: time, peak memory of the whole process, seams (see dynamics)."""

    speech_seconds: float
    generate_seconds: float
    peak_memory_mb: float
    seam_jump: float

    @property
    def real_time_factor(self) -> float:
        """Seconds of speech per second of computing."""
        return self.speech_seconds / self.generate_seconds


def stage_times(audio: Path, reference: Path) -> list[StageTime]:
    """decode (sound; picture), track, encode, generate, adapt, both engines; everything loaded before."""
    from core.models.adamesh.adaptation import adapt
    from core.models.affine.apply import apply_style
    from core.models.affine.fit import fit_style
    from core.tracking.reference import track_reference
    from core.tracking.tracker import track_face
    from core.tracking.video import read_frames
    from research.evaluation.bundled import expression_generator, mimic_generator

    generator = expression_generator("cpu")
    speech = first_seconds(load_speech(audio))
    tracked = track_reference(reference, 0.0, SECONDS)
    style = fit_style(generator, tracked)
    motion = generator.generate(speech)
    mimic = mimic_generator("cpu")
    code = mimic.style_code(tracked.motion, tracked.speech)
    stages: dict[str, Callable[[], object]] = {
        "decode sound": lambda: load_speech(audio),
        "decode picture": lambda: sum(1 for _ in read_frames(reference, 0.0, SECONDS)),
        "decode and track picture": lambda: track_face(reference, 0.0, SECONDS),
        "gain and offset": lambda: fit_style(generator, tracked),
        "Mimic's style code": lambda: mimic.style_code(tracked.motion, tracked.speech),
        "encode speech": lambda: generator.features(speech),
        "encode and generate": lambda: generator.generate(speech),
        "encode and generate, Mimic": lambda: mimic.generate(speech, code),
        "apply style": lambda: apply_style(motion, style, 1.0),
    }
    times = [StageTime(name, median_seconds(run)) for name, run in stages.items()]
    return [*times, StageTime("adapt (MoLoRA), once", adapt(generator, tracked).report.compute_seconds)]


def rig_stage_times(audio: Path) -> list[StageTime]:
    """Solve and write for ten seconds of speech, on the demo head in this process' Blender."""
    from core.blender.read_rig import read_rig
    from core.face.basis import open_basis
    from core.rig.solve import prepare_solver
    from core.rig.timing import SceneTiming
    from research.evaluation.bundled import expression_generator
    from research.render.evaluate import demo_head_in_fresh_scene, key_motion

    motion = expression_generator("cpu").generate(first_seconds(load_speech(audio)))
    rig = read_rig(demo_head_in_fresh_scene())
    solver = prepare_solver(rig, open_basis())
    writes = [key_motion(demo_head_in_fresh_scene(), motion, SceneTiming(25.0, 1.0)).seconds for _ in range(RUNS)]
    return [
        StageTime("solve, once per rig", median_seconds(lambda: prepare_solver(rig, open_basis()))),
        StageTime("solve", median_seconds(lambda: solver.solve(motion))),
        StageTime("write keys", float(np.median(writes))),
    ]


def median_seconds(run: Callable[[], object], runs: int = RUNS) -> float:
    """One warm-up, then the median."""
    run()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def first_seconds(speech: Speech, seconds: float = SECONDS) -> Speech:
    """The speech's beginning, repeated where it is shorter."""
    count = round(seconds * SAMPLE_RATE)
    repeated = np.tile(speech.samples, -(-count // len(speech.samples)))[:count]
    return Speech(repeated, speech.source)


def growth(audio: Path, seconds: tuple[float, ...] = GROWTH_SECONDS) -> list[Growth]:
    """Every length in a fresh process."""
    return [_grown(audio, length) for length in seconds]


def measure_growth_here(audio: Path, seconds: float) -> Growth:
    """In this process: loading is left out of the time and counted in the memory."""
    from core.models.adamesh.generate import ExpressionGenerator
    from core.models.nn.synthesiser import CONTEXT_FRAMES, WINDOW_FRAMES
    from research.evaluation.dynamics import seam_jump

    generator = ExpressionGenerator.load("cpu")
    generator.generate(first_seconds(load_speech(audio), 2.0))
    speech = first_seconds(load_speech(audio), seconds)
    began = time.perf_counter()
    motion = generator.generate(speech)
    took = time.perf_counter() - began
    hop = WINDOW_FRAMES - 2 * CONTEXT_FRAMES
    # a window fades in over twice the context: every frame of the fade counts as seam
    frames = np.arange(len(motion) - 1)
    seams = np.flatnonzero((frames >= hop) & (frames % hop < 2 * CONTEXT_FRAMES))
    jump = seam_jump(motion.face_vector(), seams) if len(seams) else float("nan")
    return Growth(seconds, took, peak_memory_mb(), jump)


def _grown(audio: Path, seconds: float) -> Growth:
    code = (
        "from pathlib import Path; from research.evaluation.stages import measure_growth_here as run; "
        f"r = run(Path({str(audio)!r}), {seconds!r}); "
        "print('MEASURED', r.generate_seconds, r.peak_memory_mb, r.seam_jump)"
    )
    return Growth(seconds, *measure_apart(code, f"{seconds:.0f} s of speech could not be generated."))
