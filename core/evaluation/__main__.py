# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core.evaluation``: the tables of `make benchmark`, as measured on this machine.

Needs ../shared/data for accuracy; the closed loop and the speed run on the bundled demo's own files.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

from ..errors import MimeshError
from ..training.corpus import DATA_ROOT, known_talker_clips
from .accuracy import Generate, GroupScore, evaluation_groups, score_group
from .closed_loop import ClosedLoopScore
from .mesh_lips import MeshScore

ROOT = Path(__file__).resolve().parents[2]
DEMO_SPEECH = ROOT / "demo" / "input" / "speech.ogg"
DEMO_REFERENCE = ROOT / "demo" / "input" / "reference.mp4"
SECTIONS = ("accuracy", "mesh", "loop", "speed")
MESH_CLIPS = 40


def main(argv: list[str] | None = None) -> int:
    """Print the chosen tables; 1 with a sentence when something needed is missing."""
    parser = argparse.ArgumentParser(prog="python -m core.evaluation", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    parser.add_argument("--only", choices=SECTIONS, action="append", help="one section (may be repeated)")
    arguments = parser.parse_args(argv)
    os.environ.setdefault("BLENDER_USER_RESOURCES", tempfile.mkdtemp(prefix="mimesh-benchmark-"))
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    try:
        for section in arguments.only or SECTIONS:
            _RUNNERS[section](arguments.data)
    except MimeshError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _generator() -> Generate:
    from ..engine.models import expression_generator

    return expression_generator("cpu").generate


def _accuracy(data: Path) -> None:
    print("\nLips against the tracked truth, median over clips (lag: mean, positive = generated late, 40 ms a frame)")
    numbers = f"{'corr':>7}{'lag':>7}{'error mm':>10}{'constant':>10}{'ratio':>7}{'amp':>6}"
    print(f"{'group':44}{'people':>7}{'clips':>6}{numbers}")
    generate = _generator()
    for name, clips in evaluation_groups(data).items():
        _print_group(score_group(name, clips, generate)[0])


def _print_group(row: GroupScore) -> None:
    print(
        f"{row.name:44}{row.people:7}{row.clips:6}{row.correlation:7.3f}{row.lag_frames:+7.2f}"
        f"{row.lip_error_mm:10.2f}{row.constant_error_mm:10.2f}"
        f"{row.lip_error_mm / row.constant_error_mm:7.2f}{row.amplitude_ratio:6.2f}"
    )


def _mesh(data: Path) -> None:
    from .mesh_lips import measure

    clips = known_talker_clips(data)
    step = max(len(clips) // MESH_CLIPS, 1)
    print("\nEvaluated lip vertices of the demo head in real Blender, s1's held-out sentences")
    print(f"{'Blender':16}{'clips':>6}{'corr':>7}{'lag':>7}{'error mm':>10}{'constant':>10}{'keys':>9}{'write s':>9}")
    for row in measure(clips[::step], _generator()):
        _print_mesh(row)


def _print_mesh(row: MeshScore) -> None:
    print(
        f"{row.version:16}{row.clips:6}{row.correlation:7.3f}{row.lag_frames:+7.2f}{row.lip_error_mm:10.2f}"
        f"{row.constant_error_mm:10.2f}{row.keys:9}{row.write_seconds:9.3f}"
    )


def _loop(data: Path) -> None:
    from ..engine.api import MediaRange, MotionRequest, generate_motion
    from .closed_loop import measure

    request = MotionRequest(audio=MediaRange(DEMO_SPEECH), reference=MediaRange(DEMO_REFERENCE))
    _print_loop(measure(generate_motion(request).motion))


def _print_loop(row: ClosedLoopScore) -> None:
    print("\nClosed loop: keyed, rendered, tracked again (the demo's speech and reference)")
    print(
        f"{row.frames} frames: opening correlation {row.opening.correlation:.3f} at lag {row.opening.lag_frames:+d}, "
        f"gain {row.opening_gain:.2f}; head error {row.head_error_degrees:.2f}° mean, "
        f"{row.head_error_max_degrees:.2f}° at most, over a range of {row.head_range_degrees:.1f}°"
    )


def _speed(data: Path) -> None:
    from ..audio.decode import load_speech
    from . import speed

    print("\nSpeed (seconds)")
    engine = speed.engine_speed(DEMO_SPEECH, DEMO_REFERENCE)
    stages = ", ".join(f"{name} {value:.2f}" for name, value in engine.stages.items())
    print(f"engine start and first short request        {engine.start_seconds:8.2f}")
    print(f"10 s speech + new 10 s reference, warm      {engine.total_seconds:8.2f}   ({stages})")
    print(f"the same again (reference remembered)       {engine.again_seconds:8.2f}")
    seconds = speed.generation_seconds(_generator(), load_speech(DEMO_SPEECH))
    print(f"motion for 10 s of speech                   {seconds:8.3f}")
    print(f"writing 100,000 keys                        {speed.key_writing_seconds():8.3f}")
    print(f"importing and registering the extension     {speed.extension_import_seconds():8.3f}")
    long = speed.long_speech(DEMO_SPEECH)
    print(
        f"{long.seconds_of_speech:.0f} s of speech                             {long.generate_seconds:8.2f}   "
        f"(peak memory {long.peak_memory_mb:.0f} MB; 99th percentile speed at seams / elsewhere "
        f"{long.seam_speed_ratio:.2f})"
    )


_RUNNERS = {"accuracy": _accuracy, "mesh": _mesh, "loop": _loop, "speed": _speed}

if __name__ == "__main__":
    sys.exit(main())
