# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the lips of the mesh, in real Blender, move as the tracked lips did: one process per version."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import EngineSetupError
from core.face.basis import open_basis
from core.face.motion import Motion
from research.corpus.clips import Clip
from research.evaluation.accuracy import ClipScore, Generate, TruthClip, score, truth
from research.evaluation.speed import run_python
from research.paths import BLENDER_ENVIRONMENTS, ROOT


@dataclass(frozen=True, slots=True)
class MeshScore:
    """Median over clips of the scores taken from evaluated vertices in one Blender version."""

    version: str
    clips: int
    correlation: float
    lag_frames: float
    lip_error_mm: float
    constant_error_mm: float
    keys: int
    write_seconds: float


def measure(clips: list[Clip], generate: Generate) -> list[MeshScore]:
    """Generate every clip, key them one after the other on the demo head, and score its evaluated lips."""
    basis = open_basis()
    truths = [truth(clip, basis) for clip in clips]
    motions = [generate(item.speech) for item in truths]
    with tempfile.TemporaryDirectory(prefix="mimesh-mesh-") as folder:
        motion_file = Path(folder) / "motion.npz"
        _joined(motions).save(motion_file)
        return [
            _score_version(python, motion_file, Path(folder) / "out.npz", truths, motions) for python in _pythons()
        ]


def _pythons() -> list[Path]:
    found = [ROOT / name / "bin" / "python" for name in BLENDER_ENVIRONMENTS]
    return [python for python in found if python.exists()]


def _joined(motions: list[Motion]) -> Motion:
    first = motions[0]
    parts = {
        name: np.concatenate([getattr(m, name) for m in motions]) for name in ("expression", "jaw", "head", "gaze")
    }
    return first.replace(**parts)


def _score_version(
    python: Path, motion_file: Path, out: Path, truths: list[TruthClip], motions: list[Motion]
) -> MeshScore:
    code = (
        "import os; from pathlib import Path; from research.render.evaluate import replay_on_demo_head as run; "
        # Blender's module now and then waits for its own threads for ever when the process ends
        f"run(Path({str(motion_file)!r}), Path({str(out)!r})); os._exit(0)"
    )
    done = run_python(python, code)
    if done.returncode:
        raise EngineSetupError(f"{python} could not replay the motion.", done.stderr[-400:])
    with np.load(out, allow_pickle=False) as data:
        landmarks, version = data["landmarks"], str(data["version"])
        keys, seconds = int(data["keys"]), float(data["seconds"])
    basis = open_basis()
    edges = np.cumsum([0, *map(len, motions)])
    scores: list[ClipScore] = [
        score(item, landmarks[a:b] - basis.neutral, basis)
        for item, a, b in zip(truths, edges[:-1], edges[1:], strict=True)
    ]
    return MeshScore(
        version=version,
        clips=len(scores),
        correlation=float(np.median([s.correlation for s in scores])),
        lag_frames=float(np.mean([s.lag_frames for s in scores])),
        lip_error_mm=float(np.median([s.lip_error_mm for s in scores])),
        constant_error_mm=float(np.median([s.constant_error_mm for s in scores])),
        keys=keys,
        write_seconds=seconds,
    )
