# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints how long each slider takes from its value to the updated curves: 30 s of speech at 60 frames a second.

``PYTHONPATH=. .venv-bpy50/bin/python tests/blender/slider_times.py`` in each Blender. Milliseconds of the processor,
so that other work on the machine does not count; ``--tidied`` for a line whose keys are few, which is tidied anew
after each slider, ``--edited`` with ten keys of the artist's, ``--profile NAME`` for where the time goes.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

if "BLENDER_USER_RESOURCES" not in os.environ:
    os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="mimesh-bpy-")
import bpy

from tests.blender.babble import babbling
from tests.blender.fake_engine import FakeEngine, enable_checkout, part, use_engine, wav_file

SECONDS, FPS = 30.0, 60
SLIDERS = {
    "style_strength": (0.4, 1.0),
    "mouth": (0.6, 1.6),
    "jaw": (0.6, 1.6),
    "brows": (0.2, 1.8),
    "blinks": (0.2, 1.8),
    "gaze": (0.2, 1.8),
    "head": (0.2, 1.8),
    "balance": (-0.6, 0.6),
    "asymmetry": (0.2, 1.8),
    "smoothing_ms": (20.0, 160.0),
    "lead_frames": (-3.0, 3.0),
    "closure_emphasis": (0.1, 0.9),
    "ease_in_seconds": (0.1, 0.6),
    "ease_out_seconds": (0.1, 0.6),
}
TICKS = 7


def make_line(folder: Path) -> Any:
    """The demo head speaking for 30 s; gives the sliders."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    enable_checkout()
    bpy.ops.mimesh.add_demo_head()
    scene = bpy.context.scene
    scene.render.fps = FPS
    scene.mimesh.speech_kind, scene.mimesh.speech_file = "file", str(wav_file(folder / "talk.wav", SECONDS))
    scene.mimesh.reference_kind = "none"
    use_engine(FakeEngine(lambda request: babbling(request, SECONDS)))
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    return scene.mimesh_adjust


def edit_ten_keys() -> None:
    """As an artist would."""
    owner = bpy.data.objects["MimeshHead"].data.shape_keys
    for number, curve in enumerate(part("core.blender.compat").owner_curves(owner)[:10]):
        curve.keyframe_points[200 + 40 * number].co[1] += 0.2
        curve.update()


def drag(sliders: Any, name: str) -> list[float]:
    """Milliseconds of each tick while a slider goes from one value to another and back to where it was."""
    low, high = SLIDERS[name]
    before, found = getattr(sliders, name), []
    for tick in range(TICKS):
        started = time.process_time()
        drag_to(name, low + (high - low) * tick / (TICKS - 1))
        found.append(1000.0 * (time.process_time() - started))
    drag_to(name, before)
    return found


def drag_to(name: str, value: float) -> None:
    """As a slider in a window does."""
    reason = part("operators.adjust").adjust_now(bpy.context, {name: value}, dragged=True)
    assert not reason, reason


def tidy_anew() -> float:
    """Milliseconds of what comes a moment after the last tick."""
    started = time.process_time()
    part("core.blender.adjust").tidy_rough_lines()
    return 1000.0 * (time.process_time() - started)


def main() -> int:
    """Drag every slider."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tidied", action="store_true")
    parser.add_argument("--edited", action="store_true")
    parser.add_argument("--profile", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sliders = make_line(Path(folder))
    if given.edited:
        edit_ten_keys()
    if given.tidied:
        sliders.tidy_mm = 0.3
    if given.profile:
        drag(sliders, given.profile)
        with cProfile.Profile(time.process_time) as profile:
            drag(sliders, given.profile)
        pstats.Stats(profile).sort_stats("tottime").print_stats(26)
        return 0
    sliders.head = 1.1
    sliders.head = 1.0
    curves = sum(
        len(part("core.blender.compat").action_curves(action)) for action in bpy.data.actions if "mimesh" in action
    )
    print(f"Blender {bpy.app.version_string}, {SECONDS:g} s, {FPS} fps, {curves} curves, ms of CPU per tick")
    print(f"{'slider':18} {'median':>7} {'worst':>7} {'tidied anew':>12}")
    whole = []
    for name in SLIDERS:
        found, after = drag(sliders, name), tidy_anew()
        whole += found
        print(f"{name:18} {statistics.median(found):7.1f} {max(found):7.1f} {after:12.1f}", flush=True)
    print(f"{'all':18} {statistics.median(whole):7.1f} {max(whole):7.1f}")
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # bpy's own clean-up may wait for ever
    os._exit(code)
