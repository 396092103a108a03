# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures and sound to an H.264 + AAC film, and a contact sheet, with PyAV. No bpy: the 4.2 wheel has no sound."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import MediaError

Picture = NDArray[np.uint8]
AUDIO_RATE = 48_000
_AUDIO_BLOCK = 1024
_GAP_PIXELS = 4


def read_picture(path: Path, height: int | None = None) -> Picture:
    """A picture file as (height, width, 3) RGB; with ``height``, made so large without changing its shape."""
    import av

    try:
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
            if height is not None:
                width = round(frame.width * height / frame.height)
                frame = frame.reformat(width, height, "rgb24", interpolation="AREA")
            return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    except (av.FFmpegError, OSError, StopIteration) as error:
        raise MediaError(f"The picture {path} cannot be read ({error}).") from error


def write_film(
    pictures: Sequence[Path],
    fps: int,
    sound: NDArray[np.float32] | None,
    path: Path,
    quality: int = 20,
    height: int | None = None,
) -> None:
    """Write an mp4. ``sound``: (N,) mono at 48 kHz in step with the first picture; ``quality``: x264's CRF.

    height: of the film in pixels where it is another than the pictures'.
    """
    import av

    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        high, width = read_picture(pictures[0], height).shape[:2]
        video = container.add_stream("libx264", rate=Fraction(fps))
        video.width, video.height, video.pix_fmt = width, high, "yuv420p"
        video.options = {"crf": str(quality), "preset": "medium"}
        audio = container.add_stream("aac", rate=AUDIO_RATE, layout="mono") if sound is not None else None
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(read_picture(picture, height), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None and sound is not None:
            for start in range(0, len(sound), _AUDIO_BLOCK):
                block = av.AudioFrame.from_ndarray(sound[None, start : start + _AUDIO_BLOCK], "fltp", "mono")
                block.sample_rate, block.pts, block.time_base = AUDIO_RATE, start, Fraction(1, AUDIO_RATE)
                container.mux(audio.encode(block))
            container.mux(audio.encode(None))


def read_sound(path: Path, start_seconds: float, seconds: float) -> NDArray[np.float32]:
    """(N,) mono at 48 kHz: the file's sound from ``start_seconds`` on, cut or padded to ``seconds``."""
    import av

    from core.audio.media import open_media

    resampler = av.AudioResampler(format="fltp", layout="mono", rate=AUDIO_RATE)
    blocks: list[NDArray[np.float32]] = []
    with open_media(path) as container:
        for frame in container.decode(audio=0):
            blocks += [out.to_ndarray()[0] for out in resampler.resample(frame)]
    blocks += [out.to_ndarray()[0] for out in resampler.resample(None)]
    first, count = round(start_seconds * AUDIO_RATE), round(seconds * AUDIO_RATE)
    wanted = np.concatenate(blocks or [np.zeros(0, np.float32)])[first : first + count]
    return np.pad(wanted, (0, count - len(wanted))).astype(np.float32)


def contact_sheet(pictures: Sequence[Picture], columns: int, path: Path) -> None:
    """Equal pictures side by side in rows, as one PNG."""
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)
    sheet = np.full(
        (rows * (height + _GAP_PIXELS) - _GAP_PIXELS, columns * (width + _GAP_PIXELS) - _GAP_PIXELS, 3), 255, np.uint8
    )
    for index, picture in enumerate(pictures):
        top = index // columns * (height + _GAP_PIXELS)
        left = index % columns * (width + _GAP_PIXELS)
        sheet[top : top + height, left : left + width] = picture
    write_picture(sheet, path)


def write_picture(picture: Picture, path: Path) -> None:
    """Write (height, width, 3) RGB as PNG."""
    import av

    with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = picture.shape[1], picture.shape[0], "rgb24"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_webp(pictures: Sequence[Path], fps: float, quality: int, height: int, path: Path) -> None:
    """A moving picture without sound that web pages show by themselves; ``quality``: 0 to 100."""
    from PIL import Image

    first, *others = [Image.fromarray(read_picture(picture, height)) for picture in pictures]
    milliseconds = round(1000 / fps)
    first.save(path, save_all=True, append_images=others, duration=milliseconds, loop=0, quality=quality, method=4)
