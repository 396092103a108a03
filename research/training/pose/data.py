# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads and voices to learn head motion from, and variations of them with known parameters."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.audio.speech import Speech
from core.errors import SettingsError
from core.face.basis import open_basis
from core.face.landmarks import mouth_opening
from core.face.motion import INTERNAL_FPS
from core.face.rotations import mean_rotation, rotvec_from_matrix
from core.models.pose.speech_steps import SpeechFeatures, encode_speech
from core.models.pose.units import FEATURES_PER_FRAME
from core.models.speech.encoder import SpeechEncoder
from core.pose.prominence import prominence_curve, prominence_peaks
from core.tracking.align import align, uniform_landmarks
from core.tracking.reference import HEAD_WINDOW_FRAMES, longest_shot
from core.tracking.smooth import savitzky_golay
from core.tracking.sync import loudness, measure_offset
from research.corpus.clips import Clip, free_training_clips, licence_of, load_tracked, training_clips
from research.corpus.tempo import retimed
from research.paths import BUILD

CACHE_ROOT = BUILD / "pose"
MEDIA_SUFFIXES = (".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4v")
MIN_VALID_SHARE = 0.9
MIN_SYNC_SECONDS = 15.0
# a talker who gives a thousand sentences does not need them all
CLIPS_PER_TALKER = 80


@dataclass(frozen=True, slots=True, eq=False)
class PoseClip:
    """One recording: head (T, 3) radians relative to its rest at 25 fps, and what was heard, in step with it.

    lively: free speech with the head moving as speakers do; the others read sentences with the head held still.
    source: recording and licence, in a few words.
    """

    name: str
    person: str
    head: NDArray[np.float32]
    heard: SpeechFeatures
    lively: bool
    source: str

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.head) / INTERNAL_FPS


@dataclass(frozen=True, slots=True)
class Variation:
    """A known change of manner. amplitude: of all rotation, axes: times this about x, y and z; tempo: play-back speed.

    tilt_radians: of the resting pose; nod_radians: pitch added at every stressed syllable, times its prominence.
    """

    amplitude: float = 1.0
    axes: tuple[float, float, float] = (1.0, 1.0, 1.0)
    tempo: float = 1.0
    mirrored: bool = False
    tilt_radians: tuple[float, float, float] = (0.0, 0.0, 0.0)
    nod_radians: float = 0.0

    def describe(self) -> str:
        """For a bank entry's name; empty where nothing is changed."""
        words = [
            f"amplitude {self.amplitude:.2g}" if self.amplitude != 1 else "",
            "axes " + "/".join(f"{gain:.2g}" for gain in self.axes) if self.axes != (1, 1, 1) else "",
            f"tempo {self.tempo:.2g}" if self.tempo != 1 else "",
            "mirrored" if self.mirrored else "",
            "tilted" if any(self.tilt_radians) else "",
            f"nods {np.degrees(self.nod_radians):.2g}°" if self.nod_radians else "",
        ]
        return ", ".join(word for word in words if word)


def shipped_clips(data: Path, encoder: SpeechEncoder) -> list[PoseClip]:
    """``grid/train`` (up to 80 sentences a talker) and the free speech that may be shipped."""
    clips: list[PoseClip | None] = [
        load_pose_clip(clip, encoder, clip.person, True, f"{clip.path.name}, {licence_of(clip)}")
        for clip in free_training_clips(data)
    ]
    for own in _by_talker(training_clips(data)):
        every = max(len(own) // CLIPS_PER_TALKER, 1)
        clips += [
            load_pose_clip(
                clip, encoder, clip.person.removesuffix("_hd"), False, f"GRID {clip.person}, {licence_of(clip)}"
            )
            for clip in own[::every][:CLIPS_PER_TALKER]
        ]
    return [clip for clip in clips if clip is not None]


def folder_clips(folder: Path, encoder: SpeechEncoder) -> list[PoseClip]:
    """A user's own clips; a sub-folder names a person, a clip beside them is a person of its own.

    Raises :class:`SettingsError` where there is no clip with a face and sound in it.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in MEDIA_SUFFIXES)
    # the cache is by name: two folders may both have a clip01
    group = f"user-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]}"
    found = []
    for path in paths:
        person = path.parent.name if path.parent != folder else path.stem
        clip = load_pose_clip(Clip(group, person, path), encoder, person, True, path.name)
        if clip is not None:
            found.append(clip)
    if not found:
        raise SettingsError(
            f"The folder {folder} holds no video with a face and speech in it.", "Choose a folder of talking people."
        )
    return found


def load_pose_clip(clip: Clip, encoder: SpeechEncoder, person: str, lively: bool, source: str) -> PoseClip | None:
    """The clip's head and sound (cached under build/pose), or None where the face is lost too often."""
    cache = CACHE_ROOT / f"{clip.key}-{encoder.hash[:12]}.npz"
    if not cache.is_file() and not _make(clip, encoder, cache):
        return None
    with np.load(cache, allow_pickle=False) as data:
        heard = SpeechFeatures(data["features"].astype(np.float32), data["sounds"])
        return PoseClip(clip.path.stem, person, data["head"], heard, lively, source)


def _make(clip: Clip, encoder: SpeechEncoder, cache: Path) -> bool:
    tracked = load_tracked(clip)
    track = longest_shot(tracked.track)
    if track.valid.mean() < MIN_VALID_SHARE or len(tracked.speech.samples) == 0:
        return False
    first = float(track.seconds[0])
    speech = Speech(tracked.speech.samples[round(first * 16_000) :], tracked.speech.source)
    basis = open_basis()
    free = align(uniform_landmarks(track, INTERNAL_FPS, first).landmarks, basis.neutral)
    late = clip.picture_delay_seconds or _picture_delay_seconds(mouth_opening(free.landmarks), speech)
    if late:
        free = align(uniform_landmarks(track, INTERNAL_FPS, first + late).landmarks, basis.neutral)
    relative = rotvec_from_matrix(mean_rotation(free.rotation).T @ free.rotation)
    head = savitzky_golay(relative, HEAD_WINDOW_FRAMES).astype(np.float32)
    heard = encode_speech(speech, encoder)
    frames = min(len(head), heard.frames)
    count = frames * FEATURES_PER_FRAME
    cache.parent.mkdir(parents=True, exist_ok=True)
    partial = cache.with_suffix(".part.npz")
    np.savez(
        partial, head=head[:frames], features=heard.features[:count].astype(np.float16), sounds=heard.sounds[:count]
    )
    partial.rename(cache)
    return True


def _picture_delay_seconds(opening: NDArray[np.floating], speech: Speech) -> float:
    """Clips from the web are often out of step. Loudness is a rough measure: only long clips are moved by it."""
    if len(opening) < MIN_SYNC_SECONDS * INTERNAL_FPS:
        return 0.0
    return measure_offset(opening, loudness(speech, INTERNAL_FPS, len(opening)), INTERNAL_FPS).offset_seconds


def _by_talker(clips: Sequence[Clip]) -> list[list[Clip]]:
    people: dict[str, list[Clip]] = {}
    for clip in clips:
        people.setdefault(clip.person, []).append(clip)
    return list(people.values())


def cut(clip: PoseClip, first: int, last: int) -> PoseClip:
    """Frames [first, last) of a clip."""
    sound = slice(FEATURES_PER_FRAME * first, FEATURES_PER_FRAME * last)
    heard = SpeechFeatures(clip.heard.features[sound], clip.heard.sounds[sound])
    return dataclasses.replace(clip, head=clip.head[first:last], heard=heard)


def varied(clip: PoseClip, variation: Variation) -> PoseClip:
    """The clip as if its speaker had moved (and, with tempo, spoken) otherwise."""
    frames = int(len(clip.head) / variation.tempo)
    head = retimed(clip.head, frames, variation.tempo) * np.float32(variation.amplitude)
    head = head * np.asarray(variation.axes, np.float32)
    if variation.mirrored:
        # the mirror turns left into right: yaw and roll change sign, pitch does not
        head = head * np.array([1, -1, -1], np.float32)
    count = frames * FEATURES_PER_FRAME
    heard = SpeechFeatures(
        retimed(clip.heard.features, count, variation.tempo), retimed(clip.heard.sounds, count, variation.tempo)
    )
    head = head + np.asarray(variation.tilt_radians, np.float32)
    if variation.nod_radians:
        head = head + variation.nod_radians * nods_on_stress(heard.loudness)
    name = f"{clip.name} ({variation.describe()})" if variation.describe() else clip.name
    return dataclasses.replace(clip, name=name, head=head.astype(np.float32), heard=heard)


def nods_on_stress(loudness_curve: NDArray[np.floating]) -> NDArray[np.float32]:
    """(T, 3) pitch of one unit down and back at every stressed syllable, less its mean; 0.5 s each."""
    half = round(0.25 * INTERNAL_FPS)
    pulse = 0.5 + 0.5 * np.cos(np.pi * np.arange(-half, half + 1) / (half + 1))
    pitch = np.zeros(len(loudness_curve) + 2 * half)
    prominence = prominence_curve(loudness_curve)
    peaks = prominence_peaks(loudness_curve)
    strongest = max(float(prominence.max(initial=0.0)), 1e-6)
    for peak in peaks:
        part = pitch[peak : peak + 2 * half + 1]
        part[:] = np.maximum(part, pulse * prominence[peak] / strongest)
    inner = pitch[half : half + len(loudness_curve)]
    nods = np.zeros((len(inner), 3), np.float32)
    nods[:, 0] = inner - inner.mean()
    return nods
