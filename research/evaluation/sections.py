# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's parts that look at one system: lips, mesh, closed loop, speed, growth, published shapes."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from research.corpus.clips import known_talker_clips
from research.evaluation.accuracy import Generate, evaluation_groups, score_group
from research.evaluation.tables import Section, Table, number
from research.paths import ROOT

DEMO_SPEECH = ROOT / "demo" / "input" / "speech.ogg"
DEMO_REFERENCE = ROOT / "demo" / "input" / "reference.mp4"
MESH_CLIPS = 40


def our_generator(device: str = "cpu") -> Generate:
    """The bundled network."""
    from research.evaluation.bundled import expression_generator

    return expression_generator(device).generate


def accuracy(data: Path) -> Section:
    """Lips against the tracked truth, per group of people."""
    generate = our_generator()
    rows = [score_group(name, clips, generate)[0] for name, clips in evaluation_groups(data).items()]
    table = Table(
        "Lips against the tracked truth, median over clips (lag: mean, positive = generated late, 40 ms a frame)",
        ("group", "people", "clips", "corr", "lag", "error mm", "constant mm", "ratio", "amplitude"),
        tuple(
            (
                row.name,
                str(row.people),
                str(row.clips),
                number(row.correlation, 3),
                number(row.lag_frames, 2, sign=True),
                number(row.lip_error_mm),
                number(row.constant_error_mm),
                number(row.lip_error_mm / row.constant_error_mm),
                number(row.amplitude_ratio),
            )
            for row in rows
        ),
        "out of step: the picture is moved by the offset measured against loudness; where that is weak, it is not.",
    )
    return Section("accuracy", (table,), {"groups": [dataclasses.asdict(row) for row in rows]})


def mesh(data: Path) -> Section:
    """The same on the evaluated mesh of the demo head in every Blender that is installed."""
    from research.evaluation.mesh_lips import measure

    clips = known_talker_clips(data)
    rows = measure(clips[:: max(len(clips) // MESH_CLIPS, 1)], our_generator())
    table = Table(
        "Evaluated lip vertices of the demo head in real Blender, s1's held-out sentences",
        ("Blender", "clips", "corr", "lag", "error mm", "constant mm", "keys", "write s"),
        tuple(
            (
                row.version,
                str(row.clips),
                number(row.correlation, 3),
                number(row.lag_frames, 2, sign=True),
                number(row.lip_error_mm),
                number(row.constant_error_mm),
                str(row.keys),
                number(row.write_seconds, 3),
            )
            for row in rows
        ),
    )
    return Section("mesh", (table,), {"versions": [dataclasses.asdict(row) for row in rows]})


def loop(data: Path) -> Section:
    """Keyed, rendered and tracked again."""
    from core.engine.pipeline import generate_motion
    from core.exchange.media_range import MediaRange
    from core.exchange.request import MotionRequest
    from research.evaluation.closed_loop import measure

    request = MotionRequest(audio=MediaRange(DEMO_SPEECH), reference=MediaRange(DEMO_REFERENCE))
    row = measure(generate_motion(request).motion)
    table = Table(
        "Closed loop: keyed, rendered, tracked again (the demo's speech and reference)",
        ("frames", "opening corr", "lag", "gain", "head error °", "at most °", "head range °"),
        (
            (
                str(row.frames),
                number(row.opening.correlation, 3),
                number(row.opening.lag_frames, 2, sign=True),
                number(row.opening_gain),
                number(row.head_error_degrees),
                number(row.head_error_max_degrees),
                number(row.head_range_degrees, 1),
            ),
        ),
    )
    return Section("loop", (table,), dataclasses.asdict(row))


def speed(data: Path) -> Section:
    """Through the worker as the operator does it, and every stage on its own."""
    from research.evaluation import speed as timing
    from research.evaluation import stages

    engine = timing.engine_speed(DEMO_SPEECH, DEMO_REFERENCE)
    whole = {
        "engine start, first 3 s with a new 3 s reference": engine.start_seconds,
        "10 s speech + new 10 s reference, warm": engine.total_seconds,
        "the same again (reference remembered)": engine.again_seconds,
        "writing 100,000 keys": timing.key_writing_seconds(),
        "importing and registering the extension": timing.extension_import_seconds(),
    }
    parts = [*stages.stage_times(DEMO_SPEECH, DEMO_REFERENCE), *stages.rig_stage_times(DEMO_SPEECH)]
    tables = (
        Table("Speed, seconds", ("what", "seconds"), tuple((name, number(v, 3)) for name, v in whole.items())),
        Table(
            "Every stage on its own, for 10 s of speech and 10 s of reference (median of 3, everything loaded)",
            ("stage", "seconds", "x real time"),
            tuple((part.stage, number(part.seconds, 4), number(stages.SECONDS / part.seconds, 0)) for part in parts),
        ),
    )
    data_out = {"whole": whole, "engine_stages": engine.stages, "stages": {p.stage: p.seconds for p in parts}}
    return Section("speed", tables, {**data_out, "devices": _devices()})


def growth(data: Path) -> Section:
    """Ten seconds to half an hour of speech."""
    from research.evaluation import plots, stages

    rows = stages.growth(DEMO_SPEECH)
    table = Table(
        "Growth with the length of the speech (sound to motion; a fresh process each)",
        ("speech s", "generate s", "x real time", "peak memory MB", "seam jump"),
        tuple(
            (
                number(row.speech_seconds, 0),
                number(row.generate_seconds),
                number(row.real_time_factor, 0),
                number(row.peak_memory_mb, 0),
                number(row.seam_jump),
            )
            for row in rows
        ),
        "seam jump: 95th percentile of the change where windows meet over the same elsewhere; 1 is no seam.",
    )
    seconds = [row.speech_seconds for row in rows]
    figures = (
        plots.growth_lines("Time to generate", seconds, [row.generate_seconds for row in rows], "seconds"),
        plots.growth_lines("Peak memory", seconds, [row.peak_memory_mb for row in rows], "MB"),
    )
    return Section("growth", (table,), {"lengths": [dataclasses.asdict(row) for row in rows]}, figures)


def shapes(data: Path) -> Section:
    """Networks of the published shapes beside ours, on this machine and in this run."""
    from research.evaluation import stages
    from research.evaluation.published_shapes import MEASURED_THERE, SHAPES
    from research.evaluation.published_shapes import measure as measure_shape

    rows = [measure_shape(name) for name in SHAPES]
    ours = stages.growth(DEMO_SPEECH, (10.0,))[0]
    cells = [
        (
            row.name,
            number(row.parameters_millions, 0),
            number(row.encoder_seconds),
            number(row.rest_seconds),
            number(row.total_seconds),
            number(row.real_time_factor, 2),
            number(row.peak_memory_mb / 1000),
            number(MEASURED_THERE[row.name]),
        )
        for row in rows
    ]
    own = (
        "Mimesh (trained, not random)",
        number(_our_millions(), 0),
        "–",
        "–",
        number(ours.generate_seconds),
        number(ours.real_time_factor, 1),
        number(ours.peak_memory_mb / 1000),
        "–",
    )
    table = Table(
        f"10 s of speech on {os.cpu_count()} cores: networks of the published shapes with RANDOM weights (speed only)",
        ("network", "M values", "encoder s", "rest s", "total s", "x real time", "peak GB", "their code s"),
        (*cells, own),
        "their code: docs/papers.md 5, another day and load. CodeTalker runs every tenth frame, DiffPoseTalk 10 "
        "of 500 steps; both are scaled up.",
    )
    factors = [{**dataclasses.asdict(row), "real_time_factor": row.real_time_factor} for row in rows]
    return Section("shapes", (table,), {"shapes": factors, "ours": dataclasses.asdict(ours)})


def _our_millions() -> float:
    from core.models.adamesh.generate import EXPRESSION_FILE
    from core.weights import bundled, read_tensors

    return sum(value.size for value in read_tensors(bundled(EXPRESSION_FILE)).tensors.values()) / 1e6


def _devices() -> dict[str, float]:
    """Seconds for 10 s of speech on every device that torch has here."""
    import torch

    from core.audio.decode import load_speech
    from research.evaluation.speed import generation_seconds

    speech = load_speech(DEMO_SPEECH)
    names = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    return {name: generation_seconds(our_generator(name), speech) for name in names}
