# SPDX-License-Identifier: GPL-3.0-or-later
"""`make benchmark-rigs`: motion that nothing was tuned on, keyed on heads of other makers, and what a viewer sees.

MIMESH_FLAME (or --flame) names a user's own FLAME file to measure too, --rig FILE.blend:OBJECT any rig.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from math import isnan
from pathlib import Path

import bpy
import numpy as np

from core.blender.import_flame import FlameImport, import_flame_file
from core.face.motion import Motion
from research.evaluation.rigs.heads import BINDINGS, arkit_head, demo_head, flame_head, fresh_scene, unknown_head
from research.evaluation.rigs.score import RigScore, evaluated_frames, measure
from research.paths import BLENDER_ENVIRONMENTS, ROOT

HEADS: dict[str, Callable[[Path], bpy.types.Object]] = {
    "ours": demo_head,
    "FLAME topology": flame_head,
    "unknown topology": unknown_head,
    "ARKit (ICT)": arkit_head,
}
_CLIPS = ("demo/input/reference.mp4", "{data}/grid/heldout/s33", "{data}/free_speech/eval/representative_60s.mp4")
_CLIP_SECONDS = 6.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line per head and motion."""
    options = _options(arguments)
    data = Path(options.data)
    heads: dict[str, Callable[[Path], bpy.types.Object]] = dict(HEADS)
    if options.flame:
        heads["FLAME file"] = lambda _: import_flame_file(fresh_scene(), Path(options.flame), FlameImport())
    for spec in options.rig:
        heads[Path(spec.rpartition(":")[0]).stem] = lambda _, spec=spec: _opened(spec)  # type: ignore[misc]
    chosen = {name: make for name, make in heads.items() if not options.only or name in options.only}
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault(BINDINGS, folder)
        motions = [Path(path) for path in options.motion] or _tracked_motions(data, Path(folder))
        _say(f"Blender {bpy.app.version_string}")
        for name, make in chosen.items():
            for path in motions:
                obj, motion = make(data), Motion.load(path)
                score = measure(obj, motion, not options.numeric, options.step, options.dark_mouth)
                _say(_line(name, path.stem, score))
                if meshes := options.meshes or (folder if options.versions else ""):
                    np.save(_mesh_file(meshes, name, path), evaluated_frames(obj, len(motion), options.step))
        if options.versions:
            _other_versions(motions, data, options, Path(folder))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=str(ROOT.parent / "shared" / "data"))
    parser.add_argument("--motion", action="append", default=[], help=".npz of `python -m core motion` or `track`")
    parser.add_argument("--flame", default=os.environ.get("MIMESH_FLAME", ""), help="your FLAME model file")
    parser.add_argument("--rig", action="append", default=[], help="FILE.blend:OBJECT, any rig")
    parser.add_argument("--only", action="append", default=[], help="names of heads")
    parser.add_argument("--step", type=int, default=3, help="look at every n-th frame")
    parser.add_argument("--numeric", action="store_true", help="the mesh alone, without pictures")
    parser.add_argument("--dark-mouth", action="store_true", help="a control: teeth unlit, lips the same")
    parser.add_argument("--versions", action="store_true", help="every other Blender too: numbers, and its meshes")
    parser.add_argument("--meshes", default="", help="a folder for the evaluated meshes, frame by frame")
    return parser.parse_args(arguments)


def _opened(spec: str) -> bpy.types.Object:
    file, _, name = spec.rpartition(":")
    bpy.ops.wm.open_mainfile(filepath=str(Path(file).absolute()))
    return bpy.data.objects[name]


def _tracked_motions(data: Path, folder: Path) -> list[Path]:
    from core.tracking.reference import track_reference

    paths = []
    for clip in _CLIPS:
        path = ROOT / clip.format(data=data)
        path = sorted(path.glob("*.mkv"))[0] if path.is_dir() else path
        motion = track_reference(path, end_seconds=_CLIP_SECONDS).motion
        out = folder / f"{path.stem}.npz"
        motion.save(out)
        paths.append(out)
    return paths


def _mesh_file(folder: str | Path, head: str, motion: Path) -> Path:
    return Path(folder) / f"mesh {head} {motion.stem}.npy"


def _other_versions(motions: Sequence[Path], data: Path, options: argparse.Namespace, here: Path) -> None:
    """What is drawn and tracked are evaluated meshes, outside Blender: where these are the same, so are pictures."""
    for name in BLENDER_ENVIRONMENTS:
        python = ROOT / name / "bin" / "python"
        # an environment's interpreter may be a link to the same file as another's
        if python.exists() and python.parent.parent.resolve() != Path(sys.prefix).resolve():
            command = [str(python), "-m", "research.evaluation.rigs", "--numeric", "--data", str(data)]
            command += ["--step", str(options.step), "--flame", options.flame]
            command += [part for name in options.only for part in ("--only", name)]
            command += [part for rig in options.rig for part in ("--rig", rig)]
            command += [part for path in motions for part in ("--motion", str(path))]
            with tempfile.TemporaryDirectory() as there:
                subprocess.run([*command, "--meshes", there], check=False, cwd=ROOT)
                _say(_difference(here, Path(there)))


def _difference(here: Path, there: Path) -> str:
    """How far the meshes of another Blender lie from this one's, at most."""
    pairs = [(np.load(path), np.load(here / path.name)) for path in sorted(there.glob("mesh *.npy"))]
    if not pairs:
        return "no meshes to compare"
    frames = sum(len(other) for other, _ in pairs)
    size = max(float(np.ptp(own, axis=1).max()) for _, own in pairs)
    apart = max(float(np.abs(other - own).max()) for other, own in pairs)
    return f"meshes of {len(pairs)} lines, {frames} frames: at most {apart:.1e} apart (the largest head is {size:.2g})"


def _line(head: str, motion: str, score: RigScore) -> str:
    tracked = (
        f"tracked again: correlation {score.seen_correlation:.3f}, slope {score.seen_slope:.2f}, "
        f"error {score.error_mm:.2f} mm (constant face {score.constant_mm:.2f}) | "
    )
    return (
        f"{head:17s} {motion:19s} {'' if isnan(score.seen_slope) else tracked}mesh: "
        f"{score.mesh_correlation:.3f}, {score.mesh_slope:.2f}, open {100 * score.open_share:.0f} %, shut "
        f"{100 * score.shut_share:.0f} %, deeper {score.deeper_mm:.2f} mm | head {score.head_degrees:.2f} deg"
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    code = main()
    # Blender's module now and then waits for its own threads for ever when the process ends
    os._exit(code)
