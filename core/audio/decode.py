# SPDX-License-Identifier: GPL-3.0-or-later
"""Any sound file, or the sound of any video, to :class:`Speech`, with PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import MediaError
from .speech import SAMPLE_RATE, Speech

if TYPE_CHECKING:
    from av import AudioFrame
    from av.container import InputContainer

SILENCE_PEAK = 10 ** (-60 / 20)


def open_media(path: Path) -> InputContainer:
    """Open a media file, or say in one sentence why not."""
    import av

    path = Path(path)
    if not path.is_file():
        raise MediaError(f"The file {path} does not exist.", "Choose another file or re-link the strip.")
    try:
        return av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise MediaError(
            f"The file {path.name} cannot be read as audio or video ({error}).",
            "It may be truncated or no media file; export it again as wav or mp4.",
        ) from error


def start_seconds_of(container: InputContainer) -> float:
    """The timestamp a player calls second 0: mp3 and transport streams do not begin at zero."""
    return (container.start_time or 0) / 1_000_000


def load_speech(path: Path, start_seconds: float = 0.0, end_seconds: float | None = None) -> Speech:
    """Decode the range [start, end) of a file's first audio stream to mono 16 kHz.

    Channels are averaged, so the mix can never exceed full scale. Time comes from the stream's own
    timestamps: a stream that starts late is padded with silence. Raises :class:`MediaError`.
    """
    with open_media(path) as container:
        if not container.streams.audio:
            raise MediaError(f"The file {Path(path).name} has no sound.", "Choose a file or strip with speech in it.")
        samples = _decode(container, path)
    first = max(round(start_seconds * SAMPLE_RATE), 0)
    last = None if end_seconds is None else max(round(end_seconds * SAMPLE_RATE), first)
    samples = samples[first:last]
    if len(samples) == 0:
        raise MediaError(
            f"The file {Path(path).name} has no sound between {start_seconds:.2f} s and "
            f"{'its end' if end_seconds is None else f'{end_seconds:.2f} s'}.",
            "Check the strip's trim.",
        )
    return Speech(samples=samples, source=str(path), start_seconds=start_seconds)


def require_sound(speech: Speech) -> None:
    """Refuse digital or near silence (peak under -60 dB of full scale)."""
    peak = float(np.abs(speech.samples).max(initial=0.0))
    if peak < SILENCE_PEAK:
        raise MediaError(
            f"The sound of {Path(speech.source).name} is silent (peak {peak:.5f} of full scale).",
            "Choose the strip that carries the speech, or raise its recording level.",
        )


def _decode(container: InputContainer, path: Path) -> NDArray[np.float32]:
    import av

    blocks: list[NDArray[np.float32]] = []
    resampler = _MonoResampler()
    lead = 0
    try:
        for frame in container.decode(audio=0):
            if not resampler.fed and frame.time is not None:
                lead = round((frame.time - start_seconds_of(container)) * SAMPLE_RATE)
            blocks.extend(resampler.feed(frame))
        blocks.extend(resampler.feed(None))
    except av.FFmpegError as error:
        raise MediaError(f"The sound of {Path(path).name} is damaged ({error}).", "Export it again.") from error
    if not blocks:
        return np.zeros(0, np.float32)
    samples = np.concatenate(blocks)
    # an encoder's priming samples carry negative timestamps; a late stream starts with silence
    return samples[-lead:] if lead < 0 else np.concatenate([np.zeros(lead, np.float32), samples])


class _MonoResampler:
    """Resample every channel to 16 kHz, then average (libav's own down-mix can exceed full scale)."""

    def __init__(self) -> None:
        import av

        self._resampler = av.AudioResampler(format="fltp", rate=SAMPLE_RATE)
        self.fed = False

    def feed(self, frame: AudioFrame | None) -> Iterator[NDArray[np.float32]]:
        self.fed = True
        for out in self._resampler.resample(frame):
            yield out.to_ndarray().mean(axis=0, dtype=np.float32)
