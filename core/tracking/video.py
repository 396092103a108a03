# SPDX-License-Identifier: GPL-3.0-or-later
"""Video frames as RGB arrays with their timestamps, upright and with square pixels, with PyAV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..audio.media import (
    MAX_GAP_SECONDS,
    PREROLL_SECONDS,
    length_seconds_of,
    open_media,
    packets,
    seek_before,
    start_seconds_of,
    why_unreadable,
)
from ..errors import MediaError

if TYPE_CHECKING:
    from av import VideoFrame as DecodedFrame
    from av.container import InputContainer

# a pixel of another shape than these is a wrong flag
_PIXEL_ASPECTS = (0.25, 4.0)
# frames that lie closer are one picture written twice
_SAME_TIME_SECONDS = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrame:
    """rgb: (height, width, 3) uint8, upright, pixels square; seconds: presentation time in the file."""

    rgb: NDArray[np.uint8]
    seconds: float


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a file's picture says of itself. seconds: None where it does not say."""

    seconds: float | None
    fps: float | None


def video_info(path: Path) -> VideoInfo:
    """Length and rate of the picture. Raises :class:`MediaError` where there is none."""
    with open_media(path) as container:
        stream = _picture(container, path)
        return VideoInfo(length_seconds_of(container), float(stream.average_rate) if stream.average_rate else None)


def read_frames(
    path: Path, start_seconds: float = 0.0, end_seconds: float | None = None, longest_side: int = 1920
) -> Iterator[VideoFrame]:
    """Decode the frames shown in [start, end), shrunk to ``longest_side`` pixels. Raises :class:`MediaError`.

    A damaged frame is left out; a file that breaks off ends there, unless nothing could be read.
    """
    import av

    path = Path(path)
    with open_media(path) as container:
        stream = _picture(container, path)
        stream.thread_type = "AUTO"
        if seek_before(container, stream, start_seconds):
            first, frames = _peek(_timed_frames(container, stream, path))
            if first is None or first[1] > start_seconds:
                container.seek(int(start_seconds_of(container) * 1_000_000))
                frames = _timed_frames(container, stream, path)
        else:
            frames = _timed_frames(container, stream, path)
        pixel_aspect = _pixel_aspect(stream)
        before: float | None = None
        for frame, seconds in frames:
            if end_seconds is not None and seconds >= end_seconds:
                return
            if seconds < start_seconds - 1e-6:
                continue
            _refuse_gap(path, start_seconds if before is None else before, seconds)
            if before is not None and seconds <= before + _SAME_TIME_SECONDS:
                continue
            before = seconds
            try:
                rgb = _upright_rgb(frame, longest_side, pixel_aspect)
            except (av.FFmpegError, ValueError):
                continue
            yield VideoFrame(rgb, seconds)


def pictures_near(
    path: Path, moments: Sequence[float], within_seconds: float, longest_side: int = 1920
) -> Iterator[VideoFrame | None]:
    """For each moment a frame at most ``within_seconds`` before it, or soon after; None where there is none.

    Keyframes are taken where they are near enough, so that hours are looked through quickly. None also comes between,
    while frames are decoded that are not wanted: whoever waits can say so, or stop. Raises :class:`MediaError`.
    """
    path = Path(path)
    with open_media(path) as container:
        stream = _picture(container, path)
        stream.thread_type = "AUTO"
        pixel_aspect = _pixel_aspect(stream)
        for moment in moments:
            seek_before(container, stream, moment + PREROLL_SECONDS)
            yield from _first_from(container, stream, path, moment - within_seconds, longest_side, pixel_aspect)


def _first_from(
    container: InputContainer, stream: Any, path: Path, seconds: float, longest_side: int, pixel_aspect: float
) -> Iterator[VideoFrame | None]:
    """The first frame at or after a second, and None for every frame before it."""
    import av

    try:
        for frame, at in _timed_frames(container, stream, path):
            if at >= seconds:
                yield VideoFrame(_upright_rgb(frame, longest_side, pixel_aspect), at)
                return
            yield None
    except (MediaError, av.FFmpegError, ValueError):
        # another moment may be readable
        yield None


def _picture(container: InputContainer, path: Path) -> Any:
    """The moving picture: never a cover, the default one of several, else the largest."""
    import av

    flags = av.stream.Disposition
    still = flags.attached_pic | flags.timed_thumbnails | flags.still_image
    moving = [stream for stream in container.streams.video if not stream.disposition & still]
    if not moving:
        what = "only a cover picture" if container.streams.video else "no picture"
        raise MediaError(f"The file {path.name} has {what}.", "Choose a video of the person talking.")
    moving = [stream for stream in moving if stream.codec_context is not None]
    if not moving:
        raise MediaError(
            f"The picture of {path.name} is coded in a way that our decoder does not know.", "Export it again as mp4."
        )

    def rank(stream: Any) -> tuple[bool, bool, int]:
        codec = stream.codec_context
        # a moving AVIF has its first picture as a stream of its own
        return stream.frames != 1, bool(stream.disposition & flags.default), (codec.width or 0) * (codec.height or 0)

    return max(moving, key=rank)


def _timed_frames(container: InputContainer, stream: Any, path: Path) -> Iterator[tuple[DecodedFrame, float]]:
    import av

    origin = start_seconds_of(container)
    step = 1.0 / float(stream.average_rate or stream.guessed_rate or 25)
    last: float | None = None
    failed: Exception | None = None
    for packet, error in packets(container, stream):
        if packet is None:
            failed = error
            break
        try:
            frames = packet.decode()
        except (av.FFmpegError, ValueError) as damaged:
            failed = damaged
            continue
        for frame in frames:
            # raw streams and old AVIs have no timestamps: their frames follow each other at the stream's rate
            timed = frame.time is not None
            last = frame.time - origin if timed else (0.0 if last is None else last + step)
            yield frame, last
    if last is None:
        reason = why_unreadable(path, failed)
        raise MediaError(f"No picture of {path.name} can be decoded: {reason}.", "Export it again as mp4.")


def _peek(
    frames: Iterator[tuple[DecodedFrame, float]],
) -> tuple[tuple[DecodedFrame, float] | None, Iterator[tuple[DecodedFrame, float]]]:
    try:
        first = next(frames, None)
    except MediaError:
        return None, frames
    if first is None:
        return None, frames

    def again() -> Iterator[tuple[DecodedFrame, float]]:
        yield first
        yield from frames

    return first, again()


def _refuse_gap(path: Path, before: float, after: float) -> None:
    if after - before > MAX_GAP_SECONDS:
        raise MediaError(
            f"The timestamps of {path.name} jump from {before:.1f} s to {after:.1f} s; no picture lies between.",
            "Choose a range before or after the jump, or export the file again.",
        )


def _pixel_aspect(stream: Any) -> float:
    """Width of a pixel over its height."""
    aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    low, high = _PIXEL_ASPECTS
    return float(aspect) if aspect and low <= float(aspect) <= high else 1.0


def _upright_rgb(frame: DecodedFrame, longest_side: int, pixel_aspect: float) -> NDArray[np.uint8]:
    rotation = frame.rotation or 0
    # always the larger of both sizes, so that nothing of the picture is lost
    width, height = frame.width * max(pixel_aspect, 1.0), frame.height * max(1.0 / pixel_aspect, 1.0)
    scale = min(1.0, longest_side / max(width, height))
    if frame.interlaced_frame:
        frame = _one_field(frame)
    rgb = frame.to_ndarray(format="rgb24", width=max(2, round(width * scale)), height=max(2, round(height * scale)))
    # libav reports the display matrix's rotation counter-clockwise in degrees; it does not apply it
    quarter_turns = round(rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, quarter_turns))


def _one_field(frame: DecodedFrame) -> DecodedFrame:
    """Every other line of an interlaced frame: those between were taken at another moment, and comb what moves."""
    from av import VideoFrame as Picture

    return Picture.from_ndarray(np.ascontiguousarray(frame.to_ndarray(format="rgb24")[0::2]), format="rgb24")
