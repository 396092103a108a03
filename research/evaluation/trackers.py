# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation.trackers --first PYTHON --second PYTHON --model FILE``: two trackers side by side.

Each Python tracks the same thirty clips (GRID and free speech) with the MediaPipe that it has. The table says how far
apart their pose-free landmarks are, beside the jitter of each, and how well each one's mouth opening goes with the
sound. A face that never moves is the yardstick for the distance.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.face.basis import open_basis
from core.face.landmarks import INNER_LIPS, LIPS, STABLE, mouth_opening
from core.tracking.align import align
from core.tracking.landmarker import MODEL_VARIABLE
from core.tracking.smooth import savitzky_golay
from research.evaluation.tables import Table
from research.paths import DATA_ROOT

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 10.0
# lags of the sound in frames at which the best agreement is looked for
_LAGS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Tracked:
    """One clip by one tracker: (T, 478, 3) pose-free cm, (T,) seen, and seconds that a second of video took."""

    landmarks: NDArray[np.float64]
    seen: NDArray[np.bool_]
    cost: float


def clips() -> list[Path]:
    """Thirty clips: free speech by every speaker, then one of each of GRID's people."""
    free = sorted((DATA_ROOT / "free_speech").glob("*/*/*.*")) + sorted((DATA_ROOT / "free_speech/eval").glob("*.*"))
    grid = [sorted(folder.iterdir())[:1] for folder in sorted((DATA_ROOT / "grid").glob("*/*")) if folder.is_dir()]
    chosen = free[::2] + [clip for first in grid for clip in first]
    return chosen[:30]


def main() -> int:
    """Track with both, print the table."""
    options = _options()
    if options.track is not None:
        return _track_all(options.track, clips()[: options.clips])
    with tempfile.TemporaryDirectory() as folder:
        both = [
            _by(python, options, Path(folder) / str(index))
            for index, python in enumerate((options.first, options.second))
        ]
        print(_table(both[0], both[1], clips()[: options.clips]).text())
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare two releases of MediaPipe on the same clips.")
    parser.add_argument("--first", type=Path, default=Path(sys.executable))
    parser.add_argument("--second", type=Path)
    parser.add_argument("--model", type=Path, default=DATA_ROOT / "models" / "face_landmarker.task")
    parser.add_argument("--clips", type=int, default=30)
    parser.add_argument("--track", type=Path, help="folder to write to: this Python's half of the work")
    options = parser.parse_args()
    if options.track is None and options.second is None:
        parser.error("name the other Python with --second")
    return options


def _by(python: Path, options: argparse.Namespace, folder: Path) -> list[Tracked]:
    command = [
        str(python),
        "-m",
        "research.evaluation.trackers",
        "--track",
        str(folder),
        "--clips",
        str(options.clips),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), MODEL_VARIABLE: str(options.model)}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stderr=subprocess.DEVNULL)
    return [_read(folder / f"{index}.npz") for index in range(len(clips()[: options.clips]))]


def _track_all(folder: Path, chosen: list[Path]) -> int:
    from core.tracking.tracker import track_face

    folder.mkdir(parents=True, exist_ok=True)
    for index, clip in enumerate(chosen):
        started = time.perf_counter()
        track = track_face(clip, 0.0, SECONDS)
        cost = (time.perf_counter() - started) / max(len(track) / track.fps, 1e-6)
        np.savez(folder / f"{index}.npz", landmarks=track.landmarks, valid=track.valid, cost=cost)
    return 0


def _read(path: Path) -> Tracked:
    with np.load(path) as data:
        landmarks, seen, cost = data["landmarks"], data["valid"], float(data["cost"])
    free = align(landmarks[seen], open_basis().neutral).landmarks
    whole = np.full((len(seen), *free.shape[1:]), np.nan)
    whole[seen] = free
    return Tracked(whole, seen, cost)


def _table(first: list[Tracked], second: list[Tracked], chosen: list[Path]) -> Table:
    rows = []
    values = []
    for clip, a, b in zip(chosen, first, second, strict=True):
        figures = _figures(clip, a, b)
        values.append(figures)
        rows.append((f"{clip.parent.name}/{clip.stem}", *(f"{value:.2f}" for value in figures)))
    rows.append(("median", *(f"{value:.2f}" for value in np.nanmedian(np.array(values), axis=0))))
    return Table("Two trackers on the same clips (mm, pose-free)", COLUMNS, tuple(rows))


COLUMNS = (
    "clip",
    "lips apart",
    "constant face",
    "lip jitter 1",
    "lip jitter 2",
    "bone jitter 1",
    "bone jitter 2",
    "opening r",
    "sound r 1",
    "sound r 2",
    "lost 1 %",
    "lost 2 %",
    "s per s 1",
    "s per s 2",
)


def _figures(clip: Path, a: Tracked, b: Tracked) -> tuple[float, ...]:
    both = a.seen & b.seen
    one, two = a.landmarks[both], b.landmarks[both]
    # each tracker's own resting face is taken out: only the movement reaches a style
    moved = [points - np.median(points, axis=0) for points in (one, two)]
    openings = [mouth_opening(points) for points in (one, two)]
    loud = _loudness(clip, len(both))[both]
    return (
        _rms(moved[0][:, LIPS] - moved[1][:, LIPS]),
        _rms(moved[0][:, LIPS]),
        *(_jitter(points[:, INNER_LIPS]) for points in (one, two)),
        *(_jitter(points[:, STABLE]) for points in (one, two)),
        float(np.corrcoef(openings[0], openings[1])[0, 1]),
        *(_best_agreement(opening, loud) for opening in openings),
        *(100 * float(1 - tracked.seen.mean()) for tracked in (a, b)),
        a.cost,
        b.cost,
    )


def _rms(points: NDArray[np.float64]) -> float:
    return 10 * float(np.sqrt((points**2).sum(axis=-1).mean()))


def _jitter(points: NDArray[np.float64]) -> float:
    return _rms(points - savitzky_golay(points, window=7))


def _loudness(clip: Path, frames: int) -> NDArray[np.float64]:
    from core.audio.decode import load_speech
    from core.tracking.sync import loudness
    from core.tracking.video import read_frames

    seconds = [frame.seconds for frame in read_frames(clip, 0.0, SECONDS)]
    fps = 1.0 / float(np.median(np.diff(seconds)))
    return loudness(load_speech(clip, 0.0, SECONDS), fps, frames)


def _best_agreement(opening: NDArray[np.float64], loud: NDArray[np.float64]) -> float:
    found = []
    for lag in range(-_LAGS, _LAGS + 1):
        moved, sound = (opening[lag:], loud[: len(loud) - lag]) if lag >= 0 else (opening[:lag], loud[-lag:])
        found.append(float(np.corrcoef(moved, sound)[0, 1]))
    return max(found)


if __name__ == "__main__":
    sys.exit(main())
