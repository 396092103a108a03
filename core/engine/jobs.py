# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker does for each kind of message, and the results' way through a job folder.

``write_*`` runs in the worker, ``read_*`` in the caller: the two sides of one format stay together.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..audio.speech import SAMPLE_RATE, Speech
from ..errors import EngineError
from ..face.motion import Motion
from ..pose.bank import Neighbour
from ..weights import is_bundled
from .api import (
    BankRequest,
    BankResult,
    HeadResult,
    MediaRange,
    MotionRequest,
    MotionResult,
    Progress,
    Provenance,
    add_to_bank,
    generate_motion,
    roll_head,
    track_reference,
)
from .cache import ArtifactCache
from .protocol import BankJob, GenerateJob, HeadJob, JsonObject, Message, PictureJob, TrackJob
from .reference_file import load_reference, save_reference

if TYPE_CHECKING:
    from ..tracking.reference import TrackedReference

MOTION_FILE = "motion.npz"
HEAD_FILE = "head.npz"
STYLE_FILE = "style.safetensors"
REFERENCE_FILE = "reference.npz"
PICTURE_FILE = "picture.npz"
LANDMARKS_FILE = "landmarks.npz"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobRunner:
    """Runs one job message at a time; raises MimeshError."""

    cache: ArtifactCache

    def run(self, message: Message, progress: Progress) -> JsonObject:
        """The small values of the result; its arrays are in the job's folder afterwards."""
        if isinstance(message, GenerateJob):
            request = MotionRequest.from_json(message.request)
            return write_motion_result(Path(message.folder), generate_motion(request, progress, self.cache))
        if isinstance(message, HeadJob):
            request = MotionRequest.from_json(message.request)
            return write_head_result(Path(message.folder), roll_head(request, progress, self.cache))
        if isinstance(message, BankJob):
            return dataclasses.asdict(add_to_bank(BankRequest.from_json(message.request), progress, self.cache))
        if isinstance(message, TrackJob):
            reference = track_reference(MediaRange.from_json(message.range), progress, self.cache)
            save_reference(Path(message.folder) / REFERENCE_FILE, reference)
            return {}
        if isinstance(message, PictureJob):
            return _track_picture(Path(message.folder), progress)
        raise EngineError(f"The engine was asked for {message.kind!r}, which is no job.")

    def warm_steps(self) -> tuple[Callable[[], None], ...]:
        """Short pieces of start-up work; between them the worker looks for a first job."""
        return (_warm_tracker, _warm_generator, _warm_head, _warm_mimic)

    def release(self) -> None:
        """Let go of what can be loaded again."""
        from .models import release_models

        release_models()


def write_motion_result(folder: Path, result: MotionResult) -> JsonObject:
    """Arrays into ``folder``, the rest as JSON values."""
    result.motion.save(folder / MOTION_FILE)
    if result.style is not None:
        result.style.save(folder / STYLE_FILE)
    return {
        "has_style": result.style is not None,
        "report": result.reference_report.to_json() if result.reference_report else None,
        "stage_seconds": result.stage_seconds,
        "provenance": result.provenance.to_json(),
        "notes": list(result.notes),
        "neighbours": [dataclasses.asdict(neighbour) for neighbour in result.neighbours],
    }


def read_motion_result(folder: Path, result: JsonObject) -> MotionResult:
    """Inverse of :func:`write_motion_result`."""
    from ..style.style import Style
    from ..tracking.quality import QualityReport

    return MotionResult(
        motion=Motion.load(folder / MOTION_FILE),
        style=Style.load(folder / STYLE_FILE) if result["has_style"] else None,
        reference_report=QualityReport.from_json(result["report"]) if result["report"] else None,
        stage_seconds={str(name): float(value) for name, value in result["stage_seconds"].items()},
        provenance=Provenance.from_json(result["provenance"]),
        notes=tuple(result["notes"]),
        neighbours=_neighbours(result),
    )


def write_head_result(folder: Path, result: HeadResult) -> JsonObject:
    """Head and gaze into ``folder``, the rest as JSON values."""
    np.savez(folder / HEAD_FILE, head=result.head, gaze=result.gaze)
    return {
        "provenance": result.provenance.to_json(),
        "notes": list(result.notes),
        "neighbours": [dataclasses.asdict(neighbour) for neighbour in result.neighbours],
    }


def read_head_result(folder: Path, result: JsonObject) -> HeadResult:
    """Inverse of :func:`write_head_result`."""
    with np.load(folder / HEAD_FILE, allow_pickle=False) as data:
        head, gaze = data["head"], data["gaze"]
    return HeadResult(
        head, gaze, _neighbours(result), Provenance.from_json(result["provenance"]), tuple(result["notes"])
    )


def read_bank_result(folder: Path, result: JsonObject) -> BankResult:
    """What a bank holds after a :class:`BankJob`."""
    return BankResult(str(result["added"]), tuple(result["names"]))


def _neighbours(result: JsonObject) -> tuple[Neighbour, ...]:
    return tuple(Neighbour(**values) for values in result["neighbours"])


def read_reference_result(folder: Path, result: JsonObject) -> TrackedReference:
    """The tracked reference of a finished :class:`TrackJob`."""
    return load_reference(folder / REFERENCE_FILE)


def write_picture(folder: Path, rgb: NDArray[np.uint8]) -> None:
    """Leave the picture (height, width, 3) where the worker looks for it."""
    np.savez(folder / PICTURE_FILE, rgb=np.ascontiguousarray(rgb, np.uint8))


def read_landmarks_result(folder: Path, result: JsonObject) -> NDArray[np.float32] | None:
    """(478, 3) pixels, or None where the picture shows no face."""
    if not result["found"]:
        return None
    with np.load(folder / LANDMARKS_FILE, allow_pickle=False) as data:
        landmarks: NDArray[np.float32] = data["landmarks"]
        return landmarks


def _track_picture(folder: Path, progress: Progress) -> JsonObject:
    from ..tracking.tracker import track_image

    progress("picture", 0.0)
    with np.load(folder / PICTURE_FILE, allow_pickle=False) as data:
        landmarks = track_image(data["rgb"])
    if landmarks is not None:
        np.savez(folder / LANDMARKS_FILE, landmarks=landmarks)
    return {"found": landmarks is not None}


def _warm_tracker() -> None:
    from ..tracking.tracker import track_image

    track_image(np.zeros((64, 64, 3), np.uint8))


def _warm_generator() -> None:
    from .models import expression_generator

    started = time.perf_counter()
    expression_generator("auto").generate(_noise())
    _log.info("model warm after %.1f s", time.perf_counter() - started)


def _warm_head() -> None:
    from .models import pose_generator

    pose_generator()


def _warm_mimic() -> None:
    from .models import MIMIC_FILE, mimic_generator

    if is_bundled(MIMIC_FILE):
        mimic_generator("auto").generate(_noise(), None)


def _noise() -> Speech:
    samples = np.random.default_rng(0).normal(0.0, 0.01, SAMPLE_RATE)
    return Speech(samples.astype(np.float32), "warm-up")
