# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core track``: a video's face motion as ``.npz``, and how good the clip is in words."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np

from ..engine.pipeline import track_reference
from ..exchange.media_range import MediaRange
from .console import progress_line, require_writable, whole_file

if TYPE_CHECKING:
    from ..tracking.quality import QualityReport


def run(options: argparse.Namespace) -> None:
    """Track, write, report."""
    source = MediaRange(options.video, options.start, options.end)
    require_writable(options.out, ".npz")
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
    print("\n".join(filter(None, (reference.report.summary(), reference.report.bar_text()))))


def quality_arrays(report: QualityReport) -> dict[str, np.ndarray]:
    """Each field of the report as ``quality_<name>``; what was seen of each second as JSON text."""
    values = {item.name: getattr(report, item.name) for item in dataclasses.fields(report)}
    values["bar"] = json.dumps([second.to_json() for second in report.bar])
    values["used_seconds"] = report.used_seconds or ()
    return {f"quality_{name}": np.array(value) for name, value in values.items()}
