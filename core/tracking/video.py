# SPDX-License-Identifier: GPL-3.0-or-later
"""Video frames as RGB arrays with their timestamps, upright, with PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..audio.decode import open_media, start_seconds_of
from ..errors import MediaError


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrame:
    """rgb: (height, width, 3) uint8, rotation flags applied; seconds: presentation time in the file."""

    rgb: NDArray[np.uint8]
    seconds: float


def read_frames(
    path: Path, start_seconds: float = 0.0, end_seconds: float | None = None, longest_side: int = 1920
) -> Iterator[VideoFrame]:
    """Decode the frames shown in [start, end), shrunk to ``longest_side`` pixels. Raises :class:`MediaError`."""
    import av

    with open_media(path) as container:
        if not container.streams.video:
            raise MediaError(f"The file {Path(path).name} has no picture.", "Choose a video of the person talking.")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        origin = start_seconds_of(container)
        try:
            if start_seconds > 1.0 and stream.time_base is not None:
                container.seek(int((origin + start_seconds - 0.5) / stream.time_base), stream=stream)
            for frame in container.decode(stream):
                seconds = (frame.time or 0.0) - origin
                if end_seconds is not None and seconds >= end_seconds:
                    break
                if seconds >= start_seconds - 1e-6:
                    yield VideoFrame(_upright_rgb(frame, longest_side), seconds)
        except av.FFmpegError as error:
            raise MediaError(
                f"The video {Path(path).name} is damaged ({error}).", "Export it again as mp4."
            ) from error


def _upright_rgb(frame: av.VideoFrame, longest_side: int) -> NDArray[np.uint8]:  # type: ignore[name-defined]  # noqa: F821
    scale = min(1.0, longest_side / max(frame.width, frame.height))
    rgb = frame.to_ndarray(
        format="rgb24", width=max(2, round(frame.width * scale)), height=max(2, round(frame.height * scale))
    )
    # libav reports the display matrix's rotation counter-clockwise in degrees; it does not apply it
    quarter_turns = round((frame.rotation or 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, quarter_turns))
