# SPDX-License-Identifier: GPL-3.0-or-later
"""A tracked reference as one ``.npz`` without pickles: for the cache and for crossing the process border."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..audio.speech import Speech
from ..face.motion import Motion
from ..weights import require_sane
from .face_track import FaceTrack

if TYPE_CHECKING:
    from .reference import TrackedReference

# far beyond a head, and beyond any sound that was decoded
_LARGEST_CM = 1e4
_LARGEST_SAMPLE = 1e5
_TRACK_ARRAYS = ("landmarks", "seconds", "valid", "faces_seen", "cuts")


def save_reference(path: Path, reference: TrackedReference) -> None:
    """Write everything; uncompressed, because compressing landmarks takes longer than reading them."""
    motion, track, speech = reference.motion, reference.track, reference.speech
    arrays: dict[str, np.ndarray] = {
        "fps": np.float64(motion.fps),  # type: ignore[dict-item]
        "expression": motion.expression,
        "jaw": motion.jaw,
        "head": motion.head,
        "gaze": motion.gaze,
        "basis": np.array([motion.basis_name, motion.basis_hash]),
        "landmarks": reference.landmarks,
        "neutral": reference.neutral,
        "weights": reference.weights,
        "frame_size": np.array([track.frame_width, track.frame_height]),
        "source": np.array(track.source),
        "report": np.array(json.dumps(reference.report.to_json())),
    }
    arrays.update({f"track_{name}": getattr(track, name) for name in _TRACK_ARRAYS})
    if speech is not None:
        arrays["samples"] = speech.samples
        arrays["speech_start"] = np.float64(speech.start_seconds)  # type: ignore[assignment]
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def load_reference(path: Path) -> TrackedReference:
    """Read what :func:`save_reference` wrote.

    Raises ValueError, KeyError or OSError for anything else, and for values that no recording has.
    """
    from .quality import QualityReport
    from .reference import TrackedReference

    with np.load(path, allow_pickle=False) as data:
        basis_name, basis_hash = (str(value) for value in data["basis"])
        motion = Motion(
            float(data["fps"]), data["expression"], data["jaw"], data["head"], data["gaze"], basis_name, basis_hash
        )
        width, height = (int(value) for value in data["frame_size"])
        source = str(data["source"])
        track = FaceTrack(
            **{name: data[f"track_{name}"] for name in _TRACK_ARRAYS},
            frame_width=width,
            frame_height=height,
            source=source,
        )
        speech = Speech(data["samples"], source, float(data["speech_start"])) if "samples" in data else None
        motion.require_sane()
        for name, largest in (("landmarks", _LARGEST_CM), ("neutral", _LARGEST_CM), ("weights", 1.0)):
            require_sane(name, data[name], largest)
        if (data["weights"] < 0).any():
            raise ValueError("a frame counts for less than nothing")
        if speech is not None:
            require_sane("samples", speech.samples, _LARGEST_SAMPLE)
        return TrackedReference(
            motion=motion,
            track=track,
            speech=speech,
            report=QualityReport.from_json(json.loads(str(data["report"]))),
            landmarks=data["landmarks"],
            neutral=data["neutral"],
            weights=data["weights"],
        )
