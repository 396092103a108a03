# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core motion``: speech to motion without Blender.

The ``.npz`` is a public format: ``fps``, ``expression`` (T, 50), ``jaw`` (T, 3), ``head`` (T, 3) and
``landmarks`` (T, 478, 3), pose-free, in cm, x right, y up, z towards the viewer; frame t shows the face
t / fps seconds after the sound's first sample. Names stay stable; other arrays may be added.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..engine.pipeline import generate_motion
from ..errors import SettingsError
from ..exchange.results import MotionResult
from ..face.basis import open_basis
from ..face.motion import Motion
from .commands import Commands
from .console import progress_line, require_writable, whole_file
from .outcome import Outcome, add_json_option
from .request_options import add_motion_options, add_speech_file_options, motion_request, reference_file, speech_file
from .row_runners import write_csv

_BLOCK_FRAMES = 1000


def add_command(commands: Commands) -> None:
    """``motion`` and its options."""
    parser = commands.add_parser("motion", help="make motion from speech, without Blender")
    add_speech_file_options(parser)
    add_motion_options(parser)
    parser.add_argument("--save-style", type=Path, help="keep the reference's style as .safetensors")
    parser.add_argument("--out", type=Path, required=True, help=".npz to write, or .csv as Live Link Face writes it")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Outcome:
    """Generate, write, report."""
    request = motion_request(options, speech_file(options), reference_file(options))
    require_writable(options.out, ".csv" if options.out.suffix == ".csv" else ".npz")
    if options.save_style is not None:
        require_writable(options.save_style, ".safetensors")
        if request.reference is None:
            raise SettingsError("There is no style to save without --reference.")
    with progress_line() as line:
        result = generate_motion(request, line)
    with whole_file(options.out) as path:
        if options.out.suffix == ".csv":
            write_csv(result, path)
        else:
            result.motion.save(path, landmarks=landmarks_of(result.motion))
    if options.save_style is not None and result.style is not None:
        # called like its file from then on, in lists and in a library that takes it in
        style = dataclasses.replace(result.style, name=options.save_style.stem)
        with whole_file(options.save_style) as path:
            style.save(path)
    facts = {
        "out": str(options.out.absolute()),
        "frames": len(result.motion),
        "fps": result.motion.fps,
        "style": result.style_name,
        "stage_seconds": result.stage_seconds,
        "notes": list(result.notes),
    }
    return Outcome("done", describe(result), facts)


def landmarks_of(motion: Motion) -> NDArray[np.float32]:
    """(T, 478, 3) pose-free landmarks, in blocks so that ten minutes do not need a gigabyte."""
    basis = open_basis()
    landmarks = np.empty((len(motion), *basis.neutral.shape), np.float32)
    for first in range(0, len(motion), _BLOCK_FRAMES):
        block = slice(first, first + _BLOCK_FRAMES)
        part = motion.replace(
            expression=motion.expression[block],
            jaw=motion.jaw[block],
            head=motion.head[block],
            gaze=motion.gaze[block],
        )
        landmarks[block] = basis.landmarks(part)
    return landmarks


def describe(result: MotionResult) -> str:
    """What was done, in words."""
    stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in result.stage_seconds.items())
    style = f" in the style of {result.style_name}" if result.style_name else ""
    if result.provenance.mixed_in:
        style += f", mixed with {result.provenance.mixed_in}"
    lines = [f"{result.motion.seconds:.1f} s of motion ({len(result.motion)} frames){style}; took {stages}."]
    if result.reference_report is not None:
        lines.append(result.reference_report.full_text())
    # the report's own warnings are part of its summary
    known = result.reference_report.warnings if result.reference_report else ()
    return "\n".join([*lines, *(note for note in result.notes if note not in known)])
