# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to speech before we get it: noise, telephone, codec, room, bad levels. For tests, scores, training.

Samples in and out are (N,) float32 mono at 16 kHz of the same length, in step with each other: no function here
moves the sound in time. Chance comes from the generator that the caller passes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.audio.speech import SAMPLE_RATE

Samples = NDArray[np.float32]
TELEPHONE_RATE = 8000
TELEPHONE_BAND_HZ = (300.0, 3400.0)
BABBLE_VOICES = 6
# of the tail's energy to that of the direct sound: two or three metres away in an ordinary room
TAIL_TO_DIRECT_DB = 0.0
# the tail begins when the first wall has answered
FIRST_REFLECTION_SECONDS = 0.004


def add_noise(samples: Samples, noise: Samples, snr_db: float) -> Samples:
    """Speech plus ``noise`` (at least as long) at a ratio of mean powers over the whole clip, pauses included."""
    part = noise[: len(samples)].astype(np.float64)
    wanted = _power(samples) / 10 ** (snr_db / 10)
    gain = np.sqrt(wanted / max(_power(part), 1e-20))
    return (samples + gain * part).astype(np.float32)


def pink_noise(count: int, rng: np.random.Generator) -> Samples:
    """(count,) of unit power, falling by 3 dB an octave from 20 Hz on."""
    hertz = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    spectrum = np.fft.rfft(rng.normal(size=count)) / np.sqrt(np.maximum(hertz, 20.0))
    spectrum[hertz < 20.0] = 0.0
    return _unit(np.fft.irfft(spectrum, count))


def babble(voices: Sequence[Samples], count: int, rng: np.random.Generator) -> Samples:
    """(count,) of unit power: six of the voices at the same level talking at once, each from a random place on."""
    chosen = rng.choice(len(voices), BABBLE_VOICES, replace=len(voices) < BABBLE_VOICES)
    total = np.zeros(count)
    for index in chosen:
        voice = _unit(voices[index])
        repeated = np.tile(voice, -(-count // len(voice)) + 1)
        first = int(rng.integers(len(voice)))
        total += repeated[first : first + count]
    return _unit(total)


def telephone(samples: Samples) -> Samples:
    """Through 8 kHz and 300-3400 Hz (the band of ITU-T G.712), without delay."""
    from scipy import signal

    narrow = signal.resample_poly(samples.astype(np.float64), 1, SAMPLE_RATE // TELEPHONE_RATE)
    # forwards and backwards: twice the slope and no phase
    band = signal.butter(4, TELEPHONE_BAND_HZ, "bandpass", fs=TELEPHONE_RATE, output="sos")
    limited = signal.sosfiltfilt(band, narrow, padtype=None)
    return signal.resample_poly(limited, SAMPLE_RATE // TELEPHONE_RATE, 1)[: len(samples)].astype(np.float32)


def quiet(samples: Samples, decibels: float = -30.0) -> Samples:
    """Turned down and stored in 16 bits, so that the steps of the store become audible."""
    return (np.round(samples * 10 ** (decibels / 20) * 32767.0) / 32767.0).astype(np.float32)


def clipped(samples: Samples, over_db: float = 20.0) -> Samples:
    """Turned up until the peak is ``over_db`` above full scale, and cut off there."""
    peak = float(np.abs(samples).max(initial=0.0))
    return np.clip(samples * (10 ** (over_db / 20) / max(peak, 1e-20)), -1.0, 1.0).astype(np.float32)


def mp3(samples: Samples, kilobits: int = 32) -> Samples:
    """Encoded as MP3 and decoded again as any user's file is. Needs PyAV."""
    from core.audio.decode import load_speech

    with tempfile.TemporaryDirectory(prefix="mimesh-mp3-") as folder:
        path = Path(folder) / "speech.mp3"
        _write_mp3(path, samples, kilobits)
        decoded = load_speech(path).samples[: len(samples)]
    return np.pad(decoded, (0, len(samples) - len(decoded)))


def reverberant(samples: Samples, rt60_seconds: float, rng: np.random.Generator) -> Samples:
    """Heard in a room: :func:`room_response` added to the direct sound."""
    from scipy import signal

    wet = signal.fftconvolve(samples, room_response(rt60_seconds, rng))[: len(samples)]
    return wet.astype(np.float32)


def room_response(rt60_seconds: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Direct sound at sample 0, then noise whose power falls by 60 dB within ``rt60_seconds``.

    Statistical room acoustics: Polack, "La transmission de l'énergie sonore dans les salles" (1988).
    """
    seconds = np.arange(round(1.2 * rt60_seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tail = rng.normal(size=len(seconds)) * 10 ** (-3.0 * seconds / rt60_seconds)
    tail[seconds < FIRST_REFLECTION_SECONDS] = 0.0
    tail *= 10 ** (TAIL_TO_DIRECT_DB / 20) / np.linalg.norm(tail)
    tail[0] = 1.0
    return tail


def _write_mp3(path: Path, samples: Samples, kilobits: int) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libmp3lame", rate=SAMPLE_RATE, layout="mono")
        stream.bit_rate = kilobits * 1000
        frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


def _power(samples: NDArray[np.floating]) -> float:
    return float(np.square(samples, dtype=np.float64).mean()) if len(samples) else 0.0


def _unit(samples: NDArray[np.floating]) -> Samples:
    return (samples / np.sqrt(max(_power(samples), 1e-20))).astype(np.float32)
