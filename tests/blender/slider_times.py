# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints how long each slider takes from its value to the updated curves: 30 s of speech at 60 frames a second.

``PYTHONPATH=. .venv-bpy50/bin/python tests/blender/slider_times.py`` in each Blender. Milliseconds by the clock, and
of the processor: on a busy machine the first are too many, with several threads the second (numpy's wait for each
other on a processor). ``--tidied`` for a line whose keys are few, which is tidied anew after each slider, ``--edited``
with ten keys of the artist's, ``--profile NAME`` for where the time goes.
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
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Taken:
    """Milliseconds by the clock and of the processor."""

    clock: float
    processor: float

    @classmethod
    def by(cls, work: Callable[[], object]) -> Taken:
        """Of one call."""
        clock, processor = time.perf_counter(), time.process_time()
        work()
        return cls(1000.0 * (time.perf_counter() - clock), 1000.0 * (time.process_time() - processor))


def drag(sliders: Any, name: str) -> list[Taken]:
    """Each tick while a slider goes from one value to another and back to where it was."""
    low, high = SLIDERS[name]
    before = getattr(sliders, name)
    found = [
        Taken.by(lambda tick=tick: drag_to(name, low + (high - low) * tick / (TICKS - 1)))  # type: ignore[misc]
        for tick in range(TICKS)
    ]
    drag_to(name, before)
    return found


def drag_to(name: str, value: float) -> None:
    """As a slider in a window does."""
    reason = part("operators.adjust").adjust_now(bpy.context, {name: value}, dragged=True)
    assert not reason, reason


def tidy_anew() -> Taken:
    """What comes a moment after the last tick."""
    return Taken.by(part("core.blender.adjust").settle_lines)


def prepare() -> Taken:
    """What a panel with the sliders does before the first of them is touched."""
    line = part("operators.adjust").current_line(bpy.context)
    return Taken.by(lambda: part("core.blender.adjust_ready").prepare_line(bpy.data.objects["MimeshHead"], line))


def first_ticks() -> None:
    """Prints what the first tick after something else takes."""

    def undo() -> None:
        part("core.blender.key_memory")._see(None)

    print_row("made ready", [prepare()])
    print_row("the first", [Taken.by(lambda: drag_to("mouth", 1.2))])
    for label, before in (
        ("after a frame", lambda: bpy.context.scene.frame_set(200)),
        ("after an undo", undo),
        ("after edits", edit_ten_keys),
    ):
        before()
        print_row(label, [Taken.by(lambda: drag_to("mouth", 1.4))])
        drag_to("mouth", 1.0)


def print_row(name: str, ticks: list[Taken], after: Taken | None = None) -> None:
    """Medians and worst; of the processor in brackets."""
    clock, processor = [t.clock for t in ticks], [t.processor for t in ticks]
    text = f"{name:18} {statistics.median(clock):7.1f} {max(clock):7.1f}"
    text += f"   {statistics.median(processor):7.1f} {max(processor):7.1f}"
    print(text if after is None else f"{text} {after.clock:12.1f}", flush=True)


def main() -> int:
    """Drag every slider."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tidied", action="store_true")
    parser.add_argument("--edited", action="store_true")
    parser.add_argument("--first", action="store_true", help="what the first tick after something else takes")
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
    curves = sum(
        len(part("core.blender.compat").action_curves(action)) for action in bpy.data.actions if "mimesh" in action
    )
    print(f"Blender {bpy.app.version_string}, {SECONDS:g} s, {FPS} fps, {curves} curves, ms per tick")
    print(f"{'':18} {'by the clock':>15}   {'processor':>15}")
    print(f"{'slider':18} {'median':>7} {'worst':>7}   {'median':>7} {'worst':>7} {'tidied anew':>12}")
    if given.first:
        first_ticks()
        return 0
    prepare()
    whole = []
    for name in SLIDERS:
        found, after = drag(sliders, name), tidy_anew()
        whole += found
        print_row(name, found, after)
    print_row("all", whole)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # bpy's own clean-up may wait for ever
    os._exit(code)
