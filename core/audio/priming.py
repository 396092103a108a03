# SPDX-License-Identifier: GPL-3.0-or-later
"""What an encoder puts before its first sample: packets without samples, which players do not wait for."""

from __future__ import annotations

from pathlib import Path

from .media import open_media, packets, start_seconds_of

# longer than any codec's priming: a stretch without samples that lasts longer is a damaged one
MAX_PRIMING_SECONDS = 0.25
# these have no priming, and looking for it would take a second opening of the file
_WITHOUT = ("pcm_", "flac", "alac", "adpcm_")


def priming_seconds(path: Path, track: int) -> float:
    """How long the first packets of a sound track last, where they give no samples; else 0.

    Windows Media and Vorbis in Matroska count them in their timestamps; ffmpeg, players and Blender begin with the
    first sample that is decoded. Containers that write how much is to be left out (an edit list, an mp3's or an
    Opus header) have their second 0 after it already. track: from 1. Raises :class:`MediaError`.
    """
    import av

    with open_media(path) as container:
        stream = container.streams.audio[track - 1]
        if stream.codec_context is None or stream.codec_context.name.startswith(_WITHOUT):
            return 0.0
        begin: float | None = None
        for packet, _ in packets(container, stream):
            if packet is None or packet.pts is None:
                return 0.0
            begin = float(packet.pts * packet.time_base) if begin is None else begin
            try:
                frame = next((frame for frame in packet.decode() if frame.samples), None)
            except (av.FFmpegError, ValueError):
                return 0.0
            if frame is not None:
                return _lead(begin, frame.time, start_seconds_of(container))
            if float(packet.pts * packet.time_base) - begin > MAX_PRIMING_SECONDS:
                return 0.0
    return 0.0


def _lead(begin: float, first_sample: float | None, origin: float) -> float:
    if first_sample is None:
        return 0.0
    lead = first_sample - max(begin, origin)
    return lead if 0.0 < lead <= MAX_PRIMING_SECONDS else 0.0
