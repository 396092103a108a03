# SPDX-License-Identifier: GPL-3.0-or-later
"""The clips we train on and score on: where they are, who speaks, and the tracked cache of each.

Training people and scored people never mix: :func:`training_clips` and :func:`heldout_clips` are disjoint
by person, except for s1's last hundred clips, which are the 'known talker, new sentences' group.
"""

from __future__ import annotations

import concurrent.futures
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
KNOWN_TALKER = "s1"
KNOWN_TALKER_HELDOUT = 100


@dataclass(frozen=True, slots=True, order=True)
class Clip:
    """One recording: corpus group, person and file."""

    group: str
    person: str
    path: Path

    @property
    def key(self) -> str:
        """Short unique name, also the cache's file stem."""
        return f"{self.group}-{self.person}-{self.path.stem}"


def training_clips(data: Path = DATA_ROOT) -> list[Clip]:
    """All of ``grid/train`` but the known talker's held-out sentences."""
    return [clip for clip in _grid(data, "train") if clip not in set(known_talker_clips(data))]


def known_talker_clips(data: Path = DATA_ROOT) -> list[Clip]:
    """s1's last hundred clips in sorted order: sentences the model has not seen of a talker it has."""
    return [c for c in _grid(data, "train") if c.person == KNOWN_TALKER][-KNOWN_TALKER_HELDOUT:]


def heldout_clips(data: Path = DATA_ROOT) -> list[Clip]:
    """GRID people that no model has seen."""
    return _grid(data, "heldout")


def address_clips(data: Path = DATA_ROOT) -> list[Clip]:
    """Public-domain addresses: held-out people for everything on face and speech."""
    return [Clip("us_gov", path.stem, path) for path in sorted((data / "us_gov").glob("*.mp4"))]


def _grid(data: Path, part: str) -> list[Clip]:
    root = data / "grid" / part
    if not root.is_dir():
        raise SettingsError(f"The training data folder {root} does not exist.", "Pass --data with the data's folder.")
    return [Clip(f"grid_{part}", path.parent.name, path) for path in sorted(root.glob("*/*.mkv"))]


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
