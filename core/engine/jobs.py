# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker does for each kind of message."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..engines import engine_names
from ..errors import EngineError, MediaError, MimeshError
from ..exchange.media_range import MediaRange
from ..exchange.protocol import BankJob, GenerateJob, HeadJob, JsonObject, Message, PictureJob, TrackJob
from ..exchange.request import BankRequest, MotionRequest
from ..exchange.results import (
    FIRST_FOLDER,
    LANDMARKS_FILE,
    OVERLAY_FILE,
    PICTURE_FILE,
    REFERENCE_FILE,
    MotionResult,
    write_head_result,
    write_motion_result,
)
from ..png import png
from ..tracking.face_track import FaceTrack
from ..tracking.reference_file import save_reference
from .cache import ArtifactCache
from .pipeline import Progress, add_to_bank, generate_motion, regenerate_head, track_reference

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobRunner:
    """Runs one job message at a time; raises MimeshError."""

    cache: ArtifactCache

    def run(
        self, message: Message, progress: Progress, on_first: Callable[[JsonObject], None] = lambda values: None
    ) -> JsonObject:
        """The small values of the result; its arrays are in the job's folder afterwards.

        on_first: is given those of a first version, where there is one and the message wants it.
        """
        if isinstance(message, GenerateJob):
            return self._generate(message, progress, on_first)
        if isinstance(message, HeadJob):
            request = MotionRequest.from_json(message.request)
            return write_head_result(Path(message.folder), regenerate_head(request, progress, self.cache))
        if isinstance(message, BankJob):
            return dataclasses.asdict(add_to_bank(BankRequest.from_json(message.request), progress, self.cache))
        if isinstance(message, TrackJob):
            reference = track_reference(MediaRange.from_json(message.range), progress, self.cache)
            save_reference(Path(message.folder) / REFERENCE_FILE, reference)
            _draw_overlay(Path(message.folder) / OVERLAY_FILE, reference.track)
            return {}
        if isinstance(message, PictureJob):
            return _track_picture(Path(message.folder), progress)
        raise EngineError(f"The engine was asked for {message.kind!r}, which is no job.")

    def _generate(
        self, message: GenerateJob, progress: Progress, on_first: Callable[[JsonObject], None]
    ) -> JsonObject:
        folder = Path(message.folder)

        def first(result: MotionResult) -> None:
            (folder / FIRST_FOLDER).mkdir()
            on_first(write_motion_result(folder / FIRST_FOLDER, result))

        request = MotionRequest.from_json(message.request)
        made = generate_motion(request, progress, self.cache, first if message.first else None)
        return write_motion_result(folder, made)

    def warm_steps(self) -> tuple[Callable[[], None], ...]:
        """Short pieces of start-up work; between them the worker looks for a first job."""
        first, *others = (functools.partial(_warm_engine, name) for name in engine_names())
        return (_warm_tracker, first, _warm_head, *others, _warm_training)

    def release(self) -> None:
        """Let go of what can be loaded again."""
        from .loaded import release_models

        release_models()


def _draw_overlay(path: Path, track: FaceTrack) -> None:
    """The clip with its landmarks, as a picture; none where the source has no pictures, as a recording of values."""
    from ..tracking.overlay import overlay_picture

    with contextlib.suppress(MediaError):
        path.write_bytes(png(overlay_picture(track)))


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


def _warm_engine(name: str) -> None:
    from .loaded import loaded_models

    started = time.perf_counter()
    try:
        loaded_models().backend(name).warm()
    except MimeshError as error:
        # whoever chooses it is told
        _log.info("engine %s stays cold: %s", name, error)
        return
    _log.info("engine %s warm after %.1f s", name, time.perf_counter() - started)


def _warm_training() -> None:
    import torch

    # PyTorch loads its compiler when the first optimiser is made, which takes seconds in which nothing is told
    torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])


def _warm_head() -> None:
    from .loaded import loaded_models

    # loading is what takes the time
    _ = loaded_models().head
