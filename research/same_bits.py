# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of everything that Mimesh generates, to prove that a change of the code changed no behaviour.

    python research/same_bits.py --out before.json      # at the old commit
    python research/same_bits.py --against before.json  # at the new one: prints "same", or what differs

It goes through the command line alone, so that it runs on any arrangement of the modules: both engines with and
without a reference, every part of a saved style, speech in that style, head and eye settings, keys in a .blend. Run it
before and after on one machine: another processor rounds differently.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parent.parent
SPEECH = ROOT / "demo/input/speech.ogg"
REFERENCE = ROOT / "demo/input/reference.mp4"
READ_KEYS = """
import bpy, json, sys
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
curves = lambda action: action.fcurves if hasattr(action, "fcurves") else [
    curve for layer in action.layers for strip in layer.strips for bag in strip.channelbags for curve in bag.fcurves]
print("KEYS" + json.dumps(sorted(
    (action.name, curve.data_path, curve.array_index, [list(key.co) for key in curve.keyframe_points])
    for action in bpy.data.actions for curve in curves(action))))
"""


def main() -> int:
    """Make everything, then write or compare its digests."""
    parser = argparse.ArgumentParser(description="Digest what Mimesh generates.")
    parser.add_argument("--out", type=Path, help="where the digests are kept")
    parser.add_argument("--against", type=Path, help="digests to compare with")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="same-bits-") as folder:
        found = digests(Path(folder))
    if options.out is not None:
        options.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if options.against is None:
        return 0
    known = json.loads(options.against.read_text(encoding="utf-8"))
    differing = sorted(name for name in {*known, *found} if known.get(name) != found.get(name))
    print("\n".join(f"differs: {name}" for name in differing) or f"same ({len(found)} digests)")
    return 1 if differing else 0


def digests(folder: Path) -> dict[str, str]:
    """Name of each result to its digest."""
    found: dict[str, str] = {}
    clip = ("--reference", str(REFERENCE), "--reference-end", "5")
    head = ("--head-temperature", "0.8", "--head-neighbours", "2", "--head-seed", "3", "--seed", "4")
    runs = {
        "adamesh plain": (),
        "adamesh clip": clip,
        "adamesh half style": (*clip, "--style-strength", "0.5", "--no-blinks"),
        "mimic plain": ("--engine", "mimic"),
        "mimic clip": ("--engine", "mimic", *clip, "--style-strength", "1.3"),
        "head of the clip": ("--engine", "mimic", *clip, "--head-source", "reference", "--gaze-amount", "0.4"),
        "head settings": ("--engine", "mimic", *head, "--head-stillness", "0.5", "--head-amount", "1.4"),
    }
    for name, options in runs.items():
        saves = bool({"adamesh clip", "mimic clip"} & {name})
        style = folder / f"{name.split()[0]}.safetensors"
        found |= motion(name, folder, (*options, *(("--save-style", str(style)) if saves else ())))
        if saves:
            found |= {f"style of {name}: {key}": digest(value) for key, value in load_file(style).items()}
    for engine in ("adamesh", "mimic"):
        saved = ("--engine", engine, "--style", str(folder / f"{engine}.safetensors"))
        found |= motion(f"{engine} saved style", folder, saved)
    mixed = ("--style", str(folder / "mimic.safetensors"), "--second-style", str(folder / "adamesh.safetensors"))
    found |= motion("mimic mixed", folder, ("--engine", "mimic", *mixed, "--style-mix", "0.3"))
    return found | keys(folder, clip)


def motion(name: str, folder: Path, options: tuple[str, ...]) -> dict[str, str]:
    """Digests of the arrays of one motion."""
    out = folder / "motion.npz"
    run("-m", "core", "motion", "--audio", str(SPEECH), "--out", str(out), *options)
    with np.load(out, allow_pickle=False) as data:
        return {f"{name}: {key}": digest(data[key]) for key in data.files}


def keys(folder: Path, clip: tuple[str, ...]) -> dict[str, str]:
    """Digest of all keys that both engines leave in a .blend of the demo character."""
    found = {}
    for engine in ("adamesh", "mimic"):
        out = folder / f"{engine}.blend"
        rig = ("--rig", str(folder / "head.blend"))
        if not (folder / "head.blend").is_file():
            run("-c", MAKE_HEAD, str(folder / "head.blend"))
        run("-m", "core", "generate", "--audio", str(SPEECH), *clip, *rig, "--engine", engine, "--out", str(out))
        text = run("-c", READ_KEYS, str(out))
        line = next(line for line in text.splitlines() if line.startswith("KEYS"))
        found[f"keys of {engine}"] = hashlib.sha256(line.encode()).hexdigest()
    return found


MAKE_HEAD = """
import sys, bpy
from core.blender.demo_head import create_demo_head
bpy.ops.wm.read_factory_settings(use_empty=True)
create_demo_head(bpy.context.scene)
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])
"""


def digest(array: np.ndarray) -> str:
    """Of type, shape and bytes."""
    head = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()


def run(*arguments: str) -> str:
    """Run this Python in the repository; raises SystemExit with its words where it fails."""
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)[:200]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
