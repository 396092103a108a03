# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core track``: a video's face motion as ``.npz``, and how good the clip is in words."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..engine.pipeline import track_reference
from ..exchange.media_range import MediaRange
from ..png import png
from ..tracking.overlay import overlay_picture
from .commands import Commands
from .console import progress_line, require_writable, whole_file
from .outcome import Outcome, add_json_option
from .request_options import add_clip_choices

if TYPE_CHECKING:
    from ..tracking.quality import QualityReport

# of the picture, each so large
_MOMENTS, _PIXELS = 9, 320


def add_command(commands: Commands) -> None:
    """``track`` and its options."""
    parser = commands.add_parser("track", help="track the face in a video")
    parser.add_argument("video", type=Path)
    parser.add_argument("--out", type=Path, required=True, help=".npz to write")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="the clip with its landmarks, as .png")
    parser.add_argument("--start", type=float, default=0.0, help="seconds")
    parser.add_argument("--end", type=float, default=None, help="seconds")
    add_clip_choices(parser, "--track", "--person")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Outcome:
    """Track, write, report."""
    source = MediaRange(options.video, options.start, options.end, options.track, options.person)
    require_writable(options.out, ".npz")
    if options.picture is not None:
        require_writable(options.picture, ".png")
    with progress_line() as line:
        reference = track_reference(source, line)
    with whole_file(options.out) as path:
        reference.motion.save(
            path,
            landmarks=reference.landmarks.astype(np.float32),
            neutral=reference.neutral,
            weights=reference.weights,
            **quality_arrays(reference.report),
        )
    if options.picture is not None:
        with whole_file(options.picture) as path:
            path.write_bytes(png(overlay_picture(reference.track, _MOMENTS, _PIXELS)))
    text = reference.report.full_text()
    facts = {"out": str(options.out.absolute()), "frames": len(reference.motion)}
    return Outcome("done", text, {**facts, "warnings": list(reference.report.warnings)})


def quality_arrays(report: QualityReport) -> dict[str, np.ndarray]:
    """Each field of the report as ``quality_<name>``; what was seen of each second as JSON text."""
    values = {item.name: getattr(report, item.name) for item in dataclasses.fields(report)}
    values["bar"] = json.dumps([second.to_json() for second in report.bar])
    values["used_seconds"] = report.used_seconds or ()
    return {f"quality_{name}": np.array(value) for name, value in values.items()}
