# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender, the command line and the tests ask the engine for. numpy and standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..exchange.media_range import MediaRange
from ..exchange.protocol import BankJob, GenerateJob, HeadJob, PictureJob, TrackJob
from ..exchange.request import BankRequest, MotionRequest
from ..exchange.results import (
    BankResult,
    HeadResult,
    MotionResult,
    read_bank_result,
    read_head_result,
    read_landmarks_result,
    read_motion_result,
    read_reference_result,
    write_picture,
)
from .engine_process import EngineProcess, unwritable
from .job import Job, JobStatus
from .patience import Patience

if TYPE_CHECKING:
    from ..tracking.reference import TrackedReference

__all__ = ["EngineClient", "Job", "JobStatus", "Patience"]


class EngineClient(EngineProcess):
    """One method for each kind of request; each raises EngineSetupError at once when the engine cannot be started."""

    def submit(self, request: MotionRequest, first: bool = False) -> Job[MotionResult]:
        """Generate a motion; ``first``: the job may have one that knows little of the person some seconds before."""
        job = Job(self, self._new_folder(), read_motion_result)
        return self._send(job, GenerateJob(job.id, str(job.folder), request.to_json(), first))

    def regenerate_head(self, request: MotionRequest) -> Job[HeadResult]:
        """Make the head motion of a request alone."""
        job = Job(self, self._new_folder(), read_head_result)
        return self._send(job, HeadJob(job.id, str(job.folder), request.to_json()))

    def add_to_bank(self, request: BankRequest) -> Job[BankResult]:
        """Add a clip's or a style's head motion to a bank file."""
        job = Job(self, self._new_folder(), read_bank_result)
        return self._send(job, BankJob(job.id, str(job.folder), request.to_json()))

    def track(self, source: MediaRange) -> Job[TrackedReference]:
        """Track a reference clip."""
        job = Job(self, self._new_folder(), read_reference_result)
        return self._send(job, TrackJob(job.id, str(job.folder), source.to_json()))

    def track_picture(self, rgb: NDArray[np.uint8]) -> Job[NDArray[np.float32] | None]:
        """Find the 478 landmarks (pixels) of the face in a picture (height, width, 3), top row first."""
        job = Job(self, self._new_folder(), read_landmarks_result)
        try:
            write_picture(job.folder, rgb)
        except OSError as error:
            job.remove_folder()
            raise unwritable(job.folder, error) from error
        return self._send(job, PictureJob(job.id, str(job.folder)))
