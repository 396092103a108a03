# SPDX-License-Identifier: GPL-3.0-or-later
"""Prosody: loudness, its change, pitch and voicing at 50 Hz. numpy only.

Pitch is the autocorrelation method of Boersma, "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound" (IFA Proceedings 17, 1993): the autocorrelation of a windowed frame is
divided by that of the window, and a Viterbi search picks one candidate per frame, or none.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...audio.speech import SAMPLE_RATE
from ...checkpoint import checkpoint
from .encoder import ENCODER_FPS

PROSODY_SIZE = 4
LOUDNESS, LOUDNESS_CHANGE, PITCH, VOICING = range(PROSODY_SIZE)

HOP = SAMPLE_RATE // ENCODER_FPS
WINDOW = 2 * HOP
LOWEST_HZ, HIGHEST_HZ = 60.0, 450.0
# what lies this far under the loud parts counts as silence
RANGE_NATS = 8.0
LOUD_PERCENTILE = 95.0
PITCH_LIMIT_OCTAVES = 1.5
CHANGE_LIMIT_NATS = 2.0

# no wrap-around up to the longest lag: WINDOW + longest lag <= FFT_SIZE
_FFT_SIZE = 1024
_CHUNK_FRAMES = 64
# filtered at once; the margin is longer than the filter rings
_PART_FRAMES = 480
_MARGIN = 4096
_SHORTEST_LAG = int(SAMPLE_RATE / HIGHEST_HZ)
_LONGEST_LAG = int(np.ceil(SAMPLE_RATE / LOWEST_HZ))
_CANDIDATES = 4
# Boersma's costs; his are for steps of 10 ms, ours are twice as long and so cost half as much
_OCTAVE_COST = 0.02
_UNVOICED_SCORE = 0.45
_JUMP_COST = 0.175
_SWITCH_COST = 0.07
# mains hum and rumble fill the pauses of many recordings; a voice lower than this is known by its overtones
_HUM_GONE_HZ, _HUM_LET_HZ = 62.0, 82.0
# what hum is left under a pause is periodic as well: voicing fades out between these levels under the loud parts
_VOICE_GONE_NATS, _VOICE_FULL_NATS = -7.0, -5.0


@dataclass(frozen=True, slots=True, eq=False)
class _Candidates:
    """hertz and strength (N, 4) of each frame's best periods, 0 where there are fewer; power (N,) mean square."""

    hertz: NDArray[np.float32]
    strength: NDArray[np.float32]
    power: NDArray[np.float32]


def prosody(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(len,) sound at 16 kHz to (N, 4) at 50 Hz, N = ceil(len / 320); frame i describes the 40 ms around i / 50 s.

    Columns: loudness (1 in the clip's loud parts, 0 at 8 nats under them and below), its change in nats a frame,
    log2 of f0 over the clip's median f0 (0 where unvoiced), and voicing strength 0..1. A change of gain changes
    nothing; digital silence gives zeros.
    """
    count = -(-len(samples) // HOP)
    values = np.zeros((count, PROSODY_SIZE), np.float32)
    found = _candidates(samples, count)
    if found.power.max(initial=0.0) <= 0.0:
        return values
    level = _relative_level(found.power)
    values[:, LOUDNESS] = level / RANGE_NATS + 1.0
    values[:, LOUDNESS_CHANGE] = _change(level)
    audible = np.clip((level - _VOICE_GONE_NATS) / (_VOICE_FULL_NATS - _VOICE_GONE_NATS), 0.0, 1.0)
    values[:, VOICING] = audible * found.strength.max(axis=1)
    values[:, PITCH] = _relative_pitch(_best_path(found.hertz, found.strength * audible[:, None]))
    return values


def _relative_level(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) nats under the loud parts, at least -8. Pauses do not count, or a long one would make speech loud."""
    level = 0.5 * np.log(np.maximum(power / power.max(), np.float32(1e-20)))
    loud = np.percentile(level[level > -RANGE_NATS], LOUD_PERCENTILE)
    return np.maximum(level - loud, -RANGE_NATS).astype(np.float32)


def _change(level: NDArray[np.float32]) -> NDArray[np.float32]:
    edged = np.pad(level, 1, mode="edge")
    return np.clip((edged[2:] - edged[:-2]) / 2, -CHANGE_LIMIT_NATS, CHANGE_LIMIT_NATS)


def _relative_pitch(hertz: NDArray[np.float32]) -> NDArray[np.float32]:
    voiced = hertz > 0
    if not voiced.any():
        return np.zeros_like(hertz)
    octaves = np.log2(np.where(voiced, hertz, 1.0) / np.median(hertz[voiced]))
    return np.where(voiced, np.clip(octaves, -PITCH_LIMIT_OCTAVES, PITCH_LIMIT_OCTAVES), 0.0).astype(np.float32)


def _candidates(samples: NDArray[np.float32], count: int) -> _Candidates:
    """Chunk by chunk: memory beyond the result does not grow with the sound's length."""
    hertz = np.zeros((count, _CANDIDATES), np.float32)
    strength = np.zeros((count, _CANDIDATES), np.float32)
    power = np.zeros(count, np.float32)
    for begin, frames in _frames(samples, count):
        chunk = slice(begin, begin + len(frames))
        power[chunk] = np.einsum("ij,ij->i", frames, frames) / _window_power()
        hertz[chunk], strength[chunk] = _peaks(_autocorrelation(frames))
    return _Candidates(hertz, strength, power)


def _frames(samples: NDArray[np.float32], count: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """First index and (n, 640) windowed frames without hum; frame i is centred on sample 320 i."""
    for start in range(0, count, _PART_FRAMES):
        checkpoint()
        stop = min(start + _PART_FRAMES, count)
        sound = _without_hum(_cut(samples, start * HOP - WINDOW // 2, (stop - 1) * HOP + WINDOW // 2))
        views = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
        for begin in range(0, len(views), _CHUNK_FRAMES):
            yield start + begin, views[begin : begin + _CHUNK_FRAMES] * _window()


def _cut(samples: NDArray[np.float32], first: int, last: int) -> NDArray[np.float32]:
    """Samples [first, last) and the filter's margin on both sides, silence where there are none."""
    first, last = first - _MARGIN, last + _MARGIN
    part = samples[max(first, 0) : max(last, 0)]
    return np.pad(part, (max(-first, 0), last - max(first, 0) - len(part)))


def _without_hum(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """High-pass, and the margins cut off."""
    spectrum = np.fft.rfft(sound, -(-len(sound) // _MARGIN) * _MARGIN)
    hertz = np.linspace(0, SAMPLE_RATE / 2, len(spectrum))
    share = np.clip((hertz - _HUM_GONE_HZ) / (_HUM_LET_HZ - _HUM_GONE_HZ), 0.0, 1.0)
    passed = np.fft.irfft(spectrum * (0.5 - 0.5 * np.cos(np.pi * share)))
    return passed[_MARGIN : len(sound) - _MARGIN].astype(np.float32)


def _autocorrelation(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, longest lag + 2) of the sound under the window, 1 at lag 0; zeros for silent frames."""
    spectrum = np.fft.rfft(frames, _FFT_SIZE, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    correlation = np.fft.irfft(power, axis=1)[:, : _LONGEST_LAG + 2]
    total = correlation[:, :1]
    normalised = np.divide(correlation, total, out=np.zeros_like(correlation), where=total > 0)
    return (normalised / _window_autocorrelation()).astype(np.float32)


def _peaks(correlation: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Hertz and strength, each (n, 4), of the highest local maxima in the range of lags; 0 where there are fewer."""
    lags = slice(_SHORTEST_LAG, _LONGEST_LAG + 1)
    before = correlation[:, _SHORTEST_LAG - 1 : _LONGEST_LAG]
    here, after = correlation[:, lags], correlation[:, _SHORTEST_LAG + 1 : _LONGEST_LAG + 2]
    height = np.where((here > before) & (here >= after) & (here > 0), here - _long_lag_cost(), -1.0)
    best = np.argpartition(-height, _CANDIDATES, axis=1)[:, :_CANDIDATES]
    left, peak, right = (np.take_along_axis(values, best, axis=1) for values in (before, here, after))
    exists = np.take_along_axis(height, best, axis=1) > -1.0
    # the parabola through three points has its top between samples
    bend = np.where(exists, left - 2 * peak + right, -1.0)
    offset = 0.5 * (left - right) / bend
    hertz = np.where(exists, SAMPLE_RATE / (best + _SHORTEST_LAG + offset), 0.0)
    strength = np.where(exists, np.clip(peak - 0.25 * (left - right) * offset, 0.0, 1.0), 0.0)
    return hertz.astype(np.float32), strength.astype(np.float32)


def _best_path(hertz: NDArray[np.float32], strength: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) the path of candidates with the most strength and the least jumping; 0 where unvoiced wins."""
    count = len(hertz)
    if count == 0:
        return np.zeros(0, np.float32)
    # state 0 is unvoiced
    states = np.pad(hertz, ((0, 0), (1, 0)))
    octaves = np.log2(np.maximum(states, LOWEST_HZ) / LOWEST_HZ)
    gain = np.pad(strength - _OCTAVE_COST * (_MOST_OCTAVES - octaves[:, 1:]), ((0, 0), (1, 0)))
    gain[:, 0] = _UNVOICED_SCORE
    gain[:, 1:][hertz <= 0] = -1.0
    cost = _transitions(states, octaves)
    came_from = np.zeros((count, states.shape[1]), np.intp)
    score = gain[0]
    for frame in range(1, count):
        if frame % _PART_FRAMES == 0:
            checkpoint()
        options = score[:, None] - cost[frame - 1]
        came_from[frame] = options.argmax(axis=0)
        score = options.max(axis=0) + gain[frame]
    path = np.empty(count, np.intp)
    path[-1] = score.argmax()
    for frame in range(count - 1, 0, -1):
        path[frame - 1] = came_from[frame, path[frame]]
    return states[np.arange(count), path]


def _transitions(states: NDArray[np.float32], octaves: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N - 1, states, states) cost of going from a frame's state to one of the next frame's."""
    voiced = states > 0
    switch = voiced[:-1, :, None] != voiced[1:, None, :]
    jump = _JUMP_COST * np.abs(octaves[:-1, :, None] - octaves[1:, None, :])
    return np.where(switch, np.float32(_SWITCH_COST), jump)


_MOST_OCTAVES = float(np.log2(HIGHEST_HZ / LOWEST_HZ))


@functools.lru_cache(maxsize=1)
def _window() -> NDArray[np.float32]:
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


@functools.lru_cache(maxsize=1)
def _window_power() -> float:
    return float((_window() ** 2).sum())


@functools.lru_cache(maxsize=1)
def _window_autocorrelation() -> NDArray[np.float64]:
    correlation = np.fft.irfft(np.abs(np.fft.rfft(_window(), _FFT_SIZE)) ** 2)[: _LONGEST_LAG + 2]
    return correlation / correlation[0]


@functools.lru_cache(maxsize=1)
def _long_lag_cost() -> NDArray[np.float32]:
    """(lags,) of two periods that fit equally well the shorter one is the voice's own."""
    lags = np.arange(_SHORTEST_LAG, _LONGEST_LAG + 1)
    return (_OCTAVE_COST * np.log2(lags / _SHORTEST_LAG)).astype(np.float32)
