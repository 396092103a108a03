# SPDX-License-Identifier: GPL-3.0-or-later
"""FACEGOOD's Mandarin speaker: 7 recordings' rig controls, as motion in the face basis.

The rig's mesh is not at hand, but its controls are named by what they do. Each gets a mix of ICT-FaceKit's shapes
at the lips; lips do not pass through each other; :class:`LipPrior` adds the face that tracked talkers have with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.face.basis import FaceBasis
from core.face.landmarks import LIPS, mouth_opening
from core.face.motion import INTERNAL_FPS
from core.face.rotations import FloatArray
from core.rig.correspond import LIP_PAIRS
from research.corpus.clips import Clip, training_clips
from research.corpus.ict_landmarks import LandmarkShapes, ict_shapes
from research.corpus.lip_prior import LipPrior, as_motion
from research.paths import BUILD, DATA_ROOT
from research.training.motion_data import load_pairs

CACHE_ROOT = BUILD / "facegood"
CONTROLS_FPS = 30.0
# `python -m research.evaluation sync`: the controls come 30 ms later than GRID's pictures, which themselves come about
# 30 ms later than the 34 s address'
PICTURE_DELAY_SECONDS = 0.06
# 95th less 5th percentile of the mouth opening, cm: median of GRID's training talkers (0.9 to 1.9)
ORDINARY_SPREAD_CM = 1.2
PRIOR_CLIPS_PER_PERSON = 24


@dataclass(frozen=True, slots=True)
class Control:
    """One rig control and what it does: (ICT shape, weight at full control). ``opens``: scaled by the calibration."""

    name: str
    shapes: tuple[tuple[str, float], ...]
    opens: bool = False


# left and right always move alike here, so the left control speaks for both; no tongue, no teeth
CONTROLS = (
    Control("mouth_stretch_c", (("jawOpen", 1.0),), opens=True),
    Control("mouth_lowerLipDepress_l", (("mouthLowerDown", 1.0),), opens=True),
    Control("mouth_upperLipRaise_l", (("mouthUpperUp", 1.0),), opens=True),
    Control("mouth_oh_c", (("mouthFunnel", 0.5),)),
    Control("mouth_oo_c", (("mouthPucker", 0.7), ("mouthFunnel", 0.2))),
    Control("mouth_pucker_l", (("mouthPucker", 1.0),)),
    Control("mouth_funnel_dl", (("mouthFunnel", 1.0),)),
    Control("mouth_lipCornerPull_l", (("mouthSmile", 1.0),)),
    Control("mouth_lipStretch_l", (("mouthStretch", 1.0),)),
    Control("mouth_dimple_l", (("mouthDimple", 1.0),)),
    Control("mouth_suck_dl", (("mouthRollLower", 1.0),)),
    Control("mouth_suck_ul", (("mouthRollUpper", 1.0),)),
    Control("mouth_press_l", (("mouthPress", 1.0),)),
    Control("mouth_chinRaise_u", (("mouthShrugUpper", 0.5), ("mouthShrugLower", 0.5))),
)
# controls at which the lips have met; from here on they only press harder
_SEALED_AT = 0.12
_LIP_ON_TEETH_AT = 0.2
# share of the opening that a lower lip under the upper teeth takes away
_LIP_ON_TEETH_SHARE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class ControlTrack:
    """path: the sound. names: of the 116 controls. weights: (T, 116) at 30 fps."""

    path: Path
    names: tuple[str, ...]
    weights: NDArray[np.float32]

    def of(self, name: str) -> NDArray[np.float32]:
        """(T,) one control."""
        return self.weights[:, self.names.index(name)]


@dataclass(frozen=True, slots=True, eq=False)
class RecordedMotion:
    """path: the sound. values: (T, 53) at 30 fps."""

    path: Path
    values: NDArray[np.float32]


def read_controls(data: Path = DATA_ROOT) -> list[ControlTrack]:
    """The recordings that have controls. Raises :class:`ModelError` where the file is missing."""
    path = data / "facegood" / "blendshapes_30fps.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            names = repaired_names([str(name) for name in file["names"]])
            keys = sorted(key for key in file.files if key.startswith("rec_"))
            weights = {key: file[key].astype(np.float32) for key in keys}
    except OSError as error:
        raise ModelError(f"The rig controls {path} cannot be read ({error}).", "See the data's README.") from error
    return [ControlTrack(data / "facegood" / f"{key[4:]}.ogg", names, weights[key]) for key in keys]


def repaired_names(names: list[str]) -> tuple[str, ...]:
    """The columns' true names: the file's second name stands last, which shifts all others by one.

    The columns are in the text order of their numbers (1, 10, 100, ...), the names leave the 10 to the end.
    With the names put right, left and right of each control agree; as they stand, neighbours do.
    """
    return (names[0], names[-1], *names[1:-1])


def lip_displacement(
    track: ControlTrack, shapes: LandmarkShapes, basis: FaceBasis, opening_scale: float
) -> FloatArray:
    """(T, 40, 3) cm: the lips (in the order of ``LIPS``) that the controls ask for, without passing each other."""
    total = np.zeros((len(track.weights), len(basis.neutral), 3))
    for control in CONTROLS:
        delta = sum(
            (weight * shapes.delta(name) for name, weight in control.shapes), np.zeros((len(basis.neutral), 3))
        )
        scale = opening_scale if control.opens else 1.0
        total += track.of(control.name)[:, None, None] * (scale * delta)
    return np.asarray(meet_lips(basis.neutral + total, _closing(track)) - basis.neutral)[:, LIPS]


def meet_lips(landmarks: FloatArray, closing: FloatArray) -> NDArray[np.float64]:
    """Bring each inner-lip pair together by the share ``closing`` (T,) of its gap; a negative gap wholly.

    landmarks: (T, 478, 3) cm, y up; returned as a copy.
    """
    met = np.array(landmarks, dtype=np.float64)
    for upper, lower in LIP_PAIRS:
        gap = met[:, upper, 1] - met[:, lower, 1]
        step = np.where(gap < 0, gap, gap * closing) / 2
        met[:, upper, 1] -= step
        met[:, lower, 1] += step
    return met


def _closing(track: ControlTrack) -> NDArray[np.float64]:
    """(T,) 1 where both lips are drawn in or pressed (m, b, p), less where only the lower one is (f)."""
    upper, lower = track.of("mouth_suck_ul"), track.of("mouth_suck_dl")
    both = np.minimum(upper, lower) + track.of("mouth_press_l")
    sealed = np.clip(both / _SEALED_AT, 0.0, 1.0)
    on_teeth = _LIP_ON_TEETH_SHARE * np.clip((lower - upper) / _LIP_ON_TEETH_AT, 0.0, 1.0)
    return np.maximum(sealed, on_teeth).astype(np.float64)


def at_internal_fps(values: NDArray[np.float32], picture_delay_seconds: float) -> NDArray[np.float32]:
    """(T, 53) at 30 fps to 25 fps, sampled ``picture_delay_seconds`` later to take the delay out."""
    frames = int(len(values) / CONTROLS_FPS * INTERNAL_FPS)
    position = (np.arange(frames) / INTERNAL_FPS + picture_delay_seconds) * CONTROLS_FPS
    position = np.clip(position, 0, len(values) - 1.001)
    low = position.astype(int)
    blend = (position - low)[:, None]
    return ((1 - blend) * values[low] + blend * values[low + 1]).astype(np.float32)


def recorded_motions(data: Path, basis: FaceBasis, cache: Path = CACHE_ROOT) -> list[RecordedMotion]:
    """The recordings' motion as recorded, delay and all; made on the first call and kept in ``cache``."""
    path = cache / f"motion-{basis.hash[:12]}.npz"
    tracks = read_controls(data)
    if not path.is_file():
        motions = map_controls(tracks, ict_shapes(data, basis), _prior(data, basis), basis)
        cache.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part.npz")
        np.savez(partial, **dict(zip((track.path.stem for track in tracks), motions, strict=True)))  # type: ignore[arg-type]
        partial.rename(path)
    with np.load(path, allow_pickle=False) as file:
        return [RecordedMotion(track.path, file[track.path.stem]) for track in tracks]


def map_controls(
    tracks: list[ControlTrack], shapes: LandmarkShapes, prior: LipPrior, basis: FaceBasis
) -> list[NDArray[np.float32]]:
    """(T, 53) at 30 fps per recording, opened so that the spread of the opening is an ordinary talker's."""
    scale = 1.0
    # the opening grows nearly in proportion to the scale: three rounds settle it to a percent
    for _ in range(3):
        motions = [prior.motion(lip_displacement(track, shapes, basis, scale)) for track in tracks]
        scale *= ORDINARY_SPREAD_CM / opening_spread(np.concatenate(motions), basis)
    return [prior.motion(lip_displacement(track, shapes, basis, scale)) for track in tracks]


def opening_spread(motion: NDArray[np.float32], basis: FaceBasis) -> float:
    """95th less 5th percentile of the mouth opening, cm."""
    low, high = np.percentile(mouth_opening(basis.landmarks(as_motion(motion, basis, INTERNAL_FPS))), [5, 95])
    return float(high - low)


def _prior(data: Path, basis: FaceBasis) -> LipPrior:
    people: dict[str, list[Clip]] = {}
    for clip in training_clips(data):
        people.setdefault(clip.person, []).append(clip)
    chosen = [clip for clips in people.values() for clip in clips[:PRIOR_CLIPS_PER_PERSON]]
    return LipPrior.fit(load_pairs(chosen, basis), basis)
