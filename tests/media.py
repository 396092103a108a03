# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes small audio and video files with PyAV, for tests that need a real file of a certain kind."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

_RNG = np.random.default_rng(3)


def write_audio(path: Path, channels: np.ndarray, rate: int, codec: str) -> Path:
    """channels: (C, N) float32 in -1..1."""
    layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}[len(channels)]
    with av.open(str(path), "w") as container:
        _write_sound(container, container.add_stream(codec, rate=rate, layout=layout), channels, rate, layout)
    return path


def write_sounds(path: Path, sounds: list[np.ndarray], default: list[int]) -> Path:
    """sounds: (N,) float32 at 16 kHz, each a track of its own; default: the indices of those flagged so."""
    flag = av.stream.Disposition
    with av.open(str(path), "w", options={"default_mode": "passthrough"}) as container:
        streams = [container.add_stream("pcm_s16le", rate=16000, layout="mono") for _ in sounds]
        for index, stream in enumerate(streams):
            stream.disposition = flag.default if index in default else flag(0)
        for stream, samples in zip(streams, sounds, strict=True):
            _write_sound(container, stream, samples[None], 16000, "mono")
    return path


def write_video(
    path: Path,
    frames: list[np.ndarray],
    fps: int = 25,
    sound: np.ndarray | None = None,
    times: list[float] | None = None,
    codec: str = "libx264",
    pixel_aspect: Fraction | None = None,
) -> Path:
    """frames: (H, W, 3) uint8; sound: (N,) float32 at 16 kHz; times: seconds per frame for a variable rate."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        stream.time_base = Fraction(1, 1000)
        stream.codec_context.time_base = Fraction(1, 1000)
        audio = container.add_stream("aac", rate=16000, layout="mono") if sound is not None else None
        for index, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.time_base = Fraction(1, 1000)
            frame.pts = round(1000 * (times[index] if times else index / fps))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None and sound is not None:
            _write_sound(container, audio, sound[None], 16000, "mono")
    return path


def tone(seconds: float, hertz: float = 440.0, rate: int = 16000, level: float = 0.5) -> np.ndarray:
    """(N,) a sine."""
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def babble(seconds: float, rate: int = 16000, level: float = 0.3) -> np.ndarray:
    """(N,) noise whose level rises and falls four times a second, as syllables do."""
    at = np.arange(round(seconds * rate)) / rate
    envelope = np.clip(np.sin(2 * np.pi * 4 * at + 3 * np.sin(2 * np.pi * 0.7 * at)), 0, None)
    noise = np.convolve(_RNG.normal(size=len(at)), np.ones(4) / 2, "same")
    return (np.clip(noise * envelope, -3, 3) / 3 * level).astype(np.float32)


def write_float_wav(path: Path, samples: np.ndarray, rate: int = 16000) -> Path:
    """(N, C) 32-bit float, which Python's own writer cannot."""
    data = np.atleast_2d(samples.T).T.astype("<f4")
    channels = data.shape[1]
    body = data.tobytes()
    kind = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, channels, rate, rate * channels * 4, channels * 4, 32)
    head = struct.pack("<4sI4s", b"RIFF", 28 + len(kind) + len(body), b"WAVE")
    path.write_bytes(head + kind + struct.pack("<4sI", b"data", len(body)) + body)
    return path


def lag_seconds(samples: np.ndarray, source: np.ndarray) -> float:
    """By how much the first is later than the second."""
    size = 1 << (len(samples) + len(source)).bit_length()
    product = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(source, size))
    lag = int(np.fft.irfft(product, size).argmax())
    return (lag if lag < size // 2 else lag - size) / 16000


def _write_sound(
    container: av.container.OutputContainer, stream: av.AudioStream, channels: np.ndarray, rate: int, layout: str
) -> None:
    resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=rate)
    # packed: PyAV cannot fill eight planes
    packed = np.ascontiguousarray(channels.T, np.float32).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
    frame.rate = rate
    frame.pts = 0
    fifo = av.AudioFifo()
    for part in resampler.resample(frame):
        fifo.write(part)
    size = stream.codec_context.frame_size or 1024
    written = 0
    while (chunk := fifo.read(size)) is not None or (chunk := fifo.read(0, partial=True)) is not None:
        # with a timestamp on every frame the encoder can mark its priming samples as negative time
        chunk.pts, chunk.time_base = written, Fraction(1, rate)
        written += chunk.samples
        container.mux(stream.encode(chunk))
    container.mux(stream.encode(None))
