# SPDX-License-Identifier: GPL-3.0-or-later
"""How generated head motion compares with real head motion: distributions, spectrum, speech, jumps and drift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.face.motion import INTERNAL_FPS
from core.face.rotations import FloatArray
from core.pose.prominence import moving_mean, prominence_curve
from research.evaluation.distributions import diversity, frechet_distance, windows

# hertz: slow turns, phrases, stresses, quick nods, trembling
BANDS_HZ = ((0.25, 0.8), (0.8, 1.6), (1.6, 3.2), (3.2, 6.0))
_SPECTRUM_FRAMES = 64
_SPECTRUM_HOP = 16
_FLOOR_DECIBEL = 1e-3
_STRESS_LAG_FRAMES = 5
_ENERGY_FRAMES = 7
RESTING_SECONDS = 30.0
# of head and speech against each other, either way
_LAG_FRAMES = 10
_PHRASE_FRAMES = 25
OTHER_TIMES = 12


@dataclass(frozen=True, slots=True)
class PoseComparison:
    """Of several generated heads against the real ones of the same speech; angles in degrees.

    frechet_pose, frechet_speed: over windows of 1 s, of rotation (degrees squared) and of its change per frame.
    diversity, speed (degrees a second): of the generated heads. spectrum_decibel: mean difference of band power.
    stress: correlation of motion energy with stressed syllables.
    """

    frechet_pose: float
    frechet_speed: float
    diversity: float
    speed: float
    spectrum_decibel: float
    stress: float


def compare_pose(
    real: Sequence[FloatArray], generated: Sequence[FloatArray], loudness: Sequence[FloatArray]
) -> PoseComparison:
    """(T, 3) radians each; ``loudness`` (T,) goes with ``generated``, one by one."""
    wanted, given = [np.degrees(head) for head in real], [np.degrees(head) for head in generated]
    return PoseComparison(
        frechet_pose=frechet_distance(windows(wanted), windows(given)),
        frechet_speed=frechet_distance(_change(wanted), _change(given)),
        diversity=float(np.mean([diversity(head) for head in given])),
        speed=float(np.mean([mean_speed(head) for head in generated])),
        spectrum_decibel=float(np.abs(band_decibel(real) - band_decibel(generated)).mean()),
        stress=float(np.mean([stress_alignment(h, loud) for h, loud in zip(generated, loudness, strict=True)])),
    )


def _change(heads: Sequence[FloatArray]) -> NDArray[np.float64]:
    steps = [np.diff(head, axis=0) for head in heads]
    return np.concatenate([windows([step]) for step in steps])


def mean_speed(head: FloatArray) -> float:
    """Degrees a second of (T, 3) radians."""
    return float(speeds(head).mean())


def speeds(head: FloatArray) -> NDArray[np.float64]:
    """(T - 1,) degrees a second of (T, 3) radians."""
    return np.linalg.norm(np.diff(np.degrees(np.asarray(head, np.float64)), axis=0), axis=1) * INTERNAL_FPS


def band_decibel(heads: Sequence[FloatArray]) -> NDArray[np.float64]:
    """(3, bands) power of each axis in each band, decibel of degrees squared; heads under 2.6 s are mirrored out."""
    window = np.hanning(_SPECTRUM_FRAMES)[:, None]
    power = []
    for head in heads:
        degrees = np.degrees(np.asarray(head, np.float64))
        if len(degrees) < _SPECTRUM_FRAMES:
            degrees = np.pad(degrees, ((0, _SPECTRUM_FRAMES - len(degrees)), (0, 0)), mode="reflect")
        for first in range(0, len(degrees) - _SPECTRUM_FRAMES + 1, _SPECTRUM_HOP):
            part = degrees[first : first + _SPECTRUM_FRAMES]
            power.append(np.abs(np.fft.rfft((part - part.mean(axis=0)) * window, axis=0)) ** 2)
    mean = np.mean(power, axis=0) / (window**2).sum() / _SPECTRUM_FRAMES
    hertz = np.fft.rfftfreq(_SPECTRUM_FRAMES, 1 / INTERNAL_FPS)
    bands = [mean[(hertz >= low) & (hertz < high)].sum(axis=0) for low, high in BANDS_HZ]
    return 10 * np.log10(np.stack(bands, axis=1) + _FLOOR_DECIBEL)


def stress_alignment(head: FloatArray, loudness: FloatArray) -> float:
    """Correlation of motion energy with how far each syllable stands out, at the best shift within 0.2 s."""
    frames = min(len(head) - 1, len(loudness))
    energy = moving_mean(speeds(head)[:frames], _ENERGY_FRAMES)
    stress = moving_mean(prominence_curve(loudness)[:frames], _ENERGY_FRAMES)
    if frames < 4 * _STRESS_LAG_FRAMES or energy.std() < 1e-6 or stress.std() < 1e-6:
        return 0.0
    lag = _STRESS_LAG_FRAMES
    inner = stress[lag : frames - lag]
    return max(
        float(np.corrcoef(energy[lag + shift : frames - lag + shift], inner)[0, 1]) for shift in range(-lag, lag + 1)
    )


@dataclass(frozen=True, slots=True)
class Following:
    """Correlations at the best shift within 0.4 s, and the same with the speech of other times: what chance gives.

    stress: of speed with how far syllables stand out, means of 0.3 s; phrase: of speed with loudness, means of 1 s.
    lead_seconds: by how much the head's speed is ahead of the stress.
    """

    name: str
    stress: float
    stress_chance: float
    phrase: float
    phrase_chance: float
    lead_seconds: float


def following(name: str, head: FloatArray, loudness: FloatArray) -> Following:
    """Of a (T, 3) head in radians and the (T,) loudness of its speech, 25 fps."""
    frames = min(len(head) - 1, len(loudness))
    speed, loud = speeds(head)[:frames], np.asarray(loudness, np.float64)[:frames]
    stress = _Pair(moving_mean(speed, _ENERGY_FRAMES), moving_mean(prominence_curve(loud), _ENERGY_FRAMES))
    phrase = _Pair(moving_mean(speed, _PHRASE_FRAMES), moving_mean(loud, _PHRASE_FRAMES))
    by_lag = stress.by_lag()
    lead = (_LAG_FRAMES - int(by_lag.argmax())) / INTERNAL_FPS
    return Following(name, float(by_lag.max()), stress.chance(), float(phrase.by_lag().max()), phrase.chance(), lead)


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """Two curves (T,)."""

    motion: NDArray[np.float64]
    speech: NDArray[np.float64]

    def by_lag(self) -> NDArray[np.float64]:
        """(2 lags + 1,): correlation with the motion this many frames ahead (negative first) or behind."""
        lag, frames = _LAG_FRAMES, len(self.speech)
        inner = self.speech[lag : frames - lag]
        if self.motion.std() < 1e-9 or inner.std() < 1e-9:
            return np.zeros(2 * lag + 1)
        return np.array(
            [np.corrcoef(self.motion[lag + s : frames - lag + s], inner)[0, 1] for s in range(-lag, lag + 1)]
        )

    def chance(self) -> float:
        """The best correlation with the speech of other times, mean of some."""
        shifts = np.linspace(0, len(self.speech), OTHER_TIMES + 2).astype(int)[1:-1]
        return float(np.mean([_Pair(self.motion, np.roll(self.speech, by)).by_lag().max() for by in shifts]))


def manner(heads: Sequence[FloatArray]) -> NDArray[np.float64]:
    """(18,) what one person's manner is judged by here: band power, speed and spread per axis, all logarithms.

    Not the statistics that styles are made of, so that the model is not its own judge.
    """
    degrees = np.concatenate(
        [np.degrees(np.asarray(head, np.float64)) - np.degrees(head).mean(axis=0) for head in heads]
    )
    steps = np.concatenate([np.abs(np.diff(np.degrees(head), axis=0)) for head in heads]) * INTERNAL_FPS
    spread = 20 * np.log10(degrees.std(axis=0) + 0.05)
    speed = 20 * np.log10(steps.mean(axis=0) + 0.5)
    return np.concatenate([band_decibel(heads).ravel(), spread, speed])


def manner_distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Root mean square difference of two manners, in decibel."""
    return float(np.sqrt(((first - second) ** 2).mean()))


@dataclass(frozen=True, slots=True)
class Steadiness:
    """top_speed: fastest frame, degrees a second. over: share of frames faster than the limit asked about.

    furthest_rest: the largest mean rotation over 30 s, degrees; last_half: mean rotation of the second half.
    """

    top_speed: float
    over: float
    furthest_rest: float
    last_half: float


def steadiness(head: FloatArray, limit_degrees_per_second: float) -> Steadiness:
    """Of a long (T, 3) head motion in radians."""
    speed = speeds(head)
    degrees = np.degrees(np.asarray(head, np.float64))
    frames = round(RESTING_SECONDS * INTERNAL_FPS)
    means = [degrees[first : first + frames].mean(axis=0) for first in range(0, max(len(degrees) - frames, 0) + 1, 25)]
    return Steadiness(
        top_speed=float(speed.max()),
        over=float((speed > limit_degrees_per_second).mean()),
        furthest_rest=float(np.linalg.norm(means, axis=1).max()),
        last_half=float(np.linalg.norm(degrees[len(degrees) // 2 :].mean(axis=0))),
    )
