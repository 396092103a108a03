# SPDX-License-Identifier: GPL-3.0-or-later
"""The clips we train on and score on: where they are, who speaks, and the tracked cache of each.

``registry.csv`` beside this file lists every recording with person, licence, use and offset. Training people and
scored people never mix, except for s1's last hundred clips: the 'known talker, new sentences' group.
"""

from __future__ import annotations

import concurrent.futures
import csv
import functools
import multiprocessing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.audio.decode import load_speech
from core.audio.speech import Speech
from core.errors import SettingsError
from core.tracking.face_track import FaceTrack
from research.paths import BUILD, DATA_ROOT

CACHE_ROOT = BUILD / "tracks"
REGISTRY = Path(__file__).with_name("registry.csv")
KNOWN_TALKER = "s1"
KNOWN_TALKER_HELDOUT = 100
GRID_TRAIN, GRID_HELDOUT, FREE_TRAIN, FREE_EVAL = "grid_train", "grid_heldout", "free_train", "free_eval"


@dataclass(frozen=True, slots=True, order=True)
class Clip:
    """One recording: corpus group, person and file.

    picture_delay_seconds: by how much the picture comes after the sound, fitted once and frozen.
    """

    group: str
    person: str
    path: Path
    picture_delay_seconds: float = 0.0

    @property
    def key(self) -> str:
        """Short unique name, also the cache's file stem."""
        return f"{self.group}-{self.person}-{self.path.stem}"

    @property
    def individual(self) -> str:
        """Who it is: two recordings of one person must not count as two people."""
        return self.person.removesuffix("_hd")


@dataclass(frozen=True, slots=True)
class RegistryRow:
    """What is known of the files that ``pattern`` (below the data folder) names.

    use: ``train`` (may be trained on, and scored where the person was left out) or ``score`` (never trained on).
    picture_delay_ms: positive where the picture comes after the sound; fitted_by: how that was found.
    """

    pattern: str
    group: str
    person: str
    licence: str
    use: str
    picture_delay_ms: float
    fitted_by: str


@functools.cache
def registry() -> tuple[RegistryRow, ...]:
    """Every row of ``registry.csv``."""
    with REGISTRY.open(encoding="utf-8", newline="") as file:
        return tuple(
            RegistryRow(
                row["pattern"],
                row["group"],
                row["person"],
                row["licence"],
                row["use"],
                float(row["picture_delay_ms"]),
                row["fitted_by"],
            )
            for row in csv.DictReader(file)
        )


def registered_clips(group: str, data: Path = DATA_ROOT) -> list[Clip]:
    """All clips of a group that are here, sorted by file. Raises :class:`SettingsError` where the data is missing.

    A file that several rows name is what the last one says: a clip may be out of step where its person is not.
    """
    rows = [row for row in registry() if row.group == group]
    named = {
        path: Clip(group, row.person, path, row.picture_delay_ms / 1000.0)
        for row in rows
        for path in data.glob(row.pattern)
    }
    found = list(named.values())
    if not found and not (data / rows[0].pattern).parent.parent.is_dir():
        raise SettingsError(f"The training data folder {data} does not exist.", "Pass --data with the data's folder.")
    return sorted(found, key=lambda clip: clip.path)


def training_clips(data: Path = DATA_ROOT) -> list[Clip]:
    """All of ``grid/train`` but the known talker's held-out sentences."""
    heldout = set(known_talker_clips(data))
    return [clip for clip in registered_clips(GRID_TRAIN, data) if clip not in heldout]


def known_talker_clips(data: Path = DATA_ROOT) -> list[Clip]:
    """s1's last hundred clips in sorted order: sentences the model has not seen of a talker it has."""
    own = [clip for clip in registered_clips(GRID_TRAIN, data) if clip.person == KNOWN_TALKER]
    return own[-KNOWN_TALKER_HELDOUT:]


def heldout_clips(data: Path = DATA_ROOT) -> list[Clip]:
    """GRID people that no model has seen."""
    return registered_clips(GRID_HELDOUT, data)


def free_training_clips(data: Path = DATA_ROOT) -> list[Clip]:
    """People speaking freely that may be trained on, and scored by a model that never saw the person."""
    return registered_clips(FREE_TRAIN, data)


def free_scoring_clips(data: Path = DATA_ROOT) -> list[Clip]:
    """People speaking freely that are only scored: nothing is trained on them, chosen on them or shipped from them."""
    return registered_clips(FREE_EVAL, data)


def all_clips(data: Path = DATA_ROOT) -> list[Clip]:
    """Everything in the registry."""
    return [clip for group in dict.fromkeys(row.group for row in registry()) for clip in registered_clips(group, data)]


def licence_of(clip: Clip) -> str:
    """As registered; empty for a clip that is not."""
    return next((row.licence for row in registry() if (row.group, row.person) == (clip.group, clip.person)), "")


@dataclass(frozen=True, slots=True, eq=False)
class TrackedClip:
    """A clip's raw track and its sound, as cached."""

    clip: Clip
    track: FaceTrack
    speech: Speech


def load_tracked(clip: Clip, cache: Path = CACHE_ROOT) -> TrackedClip:
    """Read the cached track of a clip, tracking it first if it is not there."""
    path = cache / f"{clip.key}.npz"
    if not path.is_file():
        _track_to_cache(clip, cache)
    with np.load(path, allow_pickle=False) as data:
        track = FaceTrack(
            landmarks=data["landmarks"],
            seconds=data["seconds"],
            valid=data["valid"],
            faces_seen=data["faces_seen"],
            cuts=data["cuts"],
            frame_width=int(data["size"][0]),
            frame_height=int(data["size"][1]),
            source=str(clip.path),
        )
        samples = data["samples"].astype(np.float32) / 32767.0
    return TrackedClip(clip, track, Speech(samples, str(clip.path)))


def track_all(clips: list[Clip], cache: Path = CACHE_ROOT, processes: int = 2) -> None:
    """Fill the cache; clips already there are skipped, so an interrupted run resumes."""
    missing = [clip for clip in clips if not (cache / f"{clip.key}.npz").is_file()]
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(processes, mp_context=context) as pool:
        for _ in pool.map(_track_to_cache, missing, [cache] * len(missing), chunksize=16):
            pass


def _track_to_cache(clip: Clip, cache: Path) -> None:
    from core.tracking.tracker import track_face

    track = track_face(clip.path)
    samples = load_speech(clip.path).samples
    cache.mkdir(parents=True, exist_ok=True)
    partial = cache / f"{clip.key}.part.npz"
    np.savez(
        partial,
        landmarks=track.landmarks,
        seconds=track.seconds,
        valid=track.valid,
        faces_seen=track.faces_seen,
        cuts=track.cuts,
        size=np.array([track.frame_width, track.frame_height]),
        samples=np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16),
    )
    partial.rename(cache / f"{clip.key}.npz")
