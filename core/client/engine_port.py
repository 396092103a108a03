# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Blender side needs of the engine's client; tests put their own in its place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..exchange.media_range import MediaRange
    from ..exchange.protocol import Ready
    from ..exchange.request import BankRequest, MotionRequest
    from ..exchange.results import BankResult, HeadResult, MotionResult
    from ..tracking.reference import TrackedReference
    from .job import JobStatus

T_co = TypeVar("T_co", covariant=True)


class EngineJob(Protocol[T_co]):
    """See :class:`core.client.client.Job`."""

    def poll(self) -> JobStatus: ...

    def first(self) -> T_co | None: ...

    def result(self) -> T_co: ...

    def cancel(self) -> None: ...


class Engine(Protocol):
    """See :class:`core.client.client.EngineClient`."""

    python: Path

    @property
    def ready(self) -> Ready | None: ...

    def submit(self, request: MotionRequest, first: bool = False) -> EngineJob[MotionResult]: ...

    def regenerate_head(self, request: MotionRequest) -> EngineJob[HeadResult]: ...

    def add_to_bank(self, request: BankRequest) -> EngineJob[BankResult]: ...

    def track(self, source: MediaRange) -> EngineJob[TrackedReference]: ...

    def track_picture(self, rgb: NDArray[np.uint8]) -> EngineJob[NDArray[np.float32] | None]: ...

    def close(self, wait: bool = False) -> None: ...
