# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the eyes look about: fixations with saccades between them, and an aim that they hold while the head turns.

The pattern follows Lee, Badler and Badler, "Eyes Alive" (SIGGRAPH 2002), for a talking person, rounded: three
seconds on the viewer, one away, sizes of looks away exponential, up, down and sideways more than twice as often
as diagonally. Sizes are smaller here: theirs are of a person in a room, ours speaks to the viewer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...face.rotations import FloatArray

# root mean square of pitch and yaw that this module makes at activity 1 (checked by a test)
NATURAL_SPREAD_RADIANS = float(np.radians(2.05))
# tracked speakers turn their eyes by half of the head's tracked turn, which the tracker overstates by 1.4 to 2
HOLD_SHARE = 0.8
# pitch and yaw that an eye does without the head following
LIMITS_RADIANS = np.radians(np.array([14.0, 22.0]))

_CONTACT_SECONDS, _AWAY_SECONDS = 3.1, 0.9
_LEAST_FIXATION_SECONDS = 0.2
# in eye contact, gaze alternates between the viewer's eyes and mouth
_WITHIN_CONTACT_SECONDS = 0.9
_CONTACT_SPREAD = np.radians(np.array([0.6, 0.9]))
_AWAY_MEAN_RADIANS = float(np.radians(5.5))
_AWAY_LIMIT_RADIANS = float(np.radians(13.0))
_AWAY_OFFSET_RADIANS = float(np.radians(1.5))
_DIAGONAL_SHARE = 0.3
# pitch is narrower than yaw
_PITCH_SHARE = 0.7
# a saccade lasts 25 ms and 2.4 ms a degree (Eyes Alive, section 2)
_SACCADE_SECONDS, _SACCADE_SECONDS_PER_RADIAN = 0.025, 0.0024 * 180 / np.pi


def gaze_motion(
    head: FloatArray, fps: float, activity: float, amount: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """(T, 3) head rotation vectors to (T, 2, 2) gaze in radians relative to the head, the same for both eyes.

    activity: the person's, 1 is natural. amount scales all of it, 0 gives zeros.
    """
    frames = len(head)
    if amount == 0 or not frames:
        return np.zeros((frames, 2, 2), np.float32)
    aim = activity * look_about(frames, fps, rng)
    relative = amount * (aim - HOLD_SHARE * np.asarray(head, np.float64)[:, :2])
    limited = LIMITS_RADIANS * np.tanh(relative / LIMITS_RADIANS)
    return np.repeat(limited[:, None], 2, axis=1).astype(np.float32)


def look_about(frames: int, fps: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """(frames, 2) pitch and yaw of the aim in radians, 0 is the viewer, to whom every look away returns."""
    times, targets = [0.0], [rng.normal(0.0, _CONTACT_SPREAD)]
    now = 0.0
    while now < frames / fps:
        contact_until = now + _drawn(_CONTACT_SECONDS, rng)
        while now < contact_until:
            now += min(_drawn(_WITHIN_CONTACT_SECONDS, rng), max(contact_until - now, _LEAST_FIXATION_SECONDS))
            if now < contact_until:
                times.append(now)
                targets.append(rng.normal(0.0, _CONTACT_SPREAD))
        times.append(now)
        targets.append(_away(rng))
        now += _drawn(_AWAY_SECONDS, rng)
        times.append(now)
        targets.append(rng.normal(0.0, _CONTACT_SPREAD))
    return _fixated(np.array(times), np.array(targets), np.arange(frames) / fps)


def _drawn(mean_seconds: float, rng: np.random.Generator) -> float:
    """A fixation's length: exponential beyond the shortest."""
    return _LEAST_FIXATION_SECONDS + float(rng.exponential(mean_seconds - _LEAST_FIXATION_SECONDS))


def _away(rng: np.random.Generator) -> NDArray[np.float64]:
    size = min(_AWAY_OFFSET_RADIANS + float(rng.exponential(_AWAY_MEAN_RADIANS)), _AWAY_LIMIT_RADIANS)
    eighth = 2 * int(rng.integers(4)) + int(rng.random() < _DIAGONAL_SHARE)
    angle = eighth * np.pi / 4
    return size * np.array([_PITCH_SHARE * np.sin(angle), np.cos(angle)])


def _fixated(
    times: NDArray[np.float64], targets: NDArray[np.float64], seconds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Targets (n, 2) held from ``times`` on, each reached by a saccade as fast as eyes are."""
    current = np.clip(np.searchsorted(times, seconds, side="right") - 1, 0, None)
    before = targets[np.maximum(current - 1, 0)]
    way = targets[current] - before
    needed = _SACCADE_SECONDS + _SACCADE_SECONDS_PER_RADIAN * np.linalg.norm(way, axis=1)
    done = np.clip((seconds - times[current]) / needed, 0.0, 1.0)
    held: NDArray[np.float64] = before + (done**2 * (3 - 2 * done))[:, None] * way
    return held
