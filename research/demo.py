# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.demo``: the whole path on the bundled head, as a user would walk it. Needs bpy in this Python.

Enables the extension from this checkout, adds the demo head, puts speech and reference into the sequencer,
generates through the extension's own code with a real engine process, and renders what came out.
"""

from __future__ import annotations

import argparse
import atexit
import importlib
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.audio.decode import load_speech
from core.engines import DEFAULT_ENGINE, engine_names
from core.errors import MediaError, MimeshError, SettingsError
from research.paths import ROOT

DEMO = ROOT / "demo"
EXTENSION = "bl_ext.user_default.mimesh"
_SHEET_PICTURES, _SHEET_COLUMNS = 15, 5


@dataclass(frozen=True, slots=True)
class DemoRequest:
    """audio, reference: media files. out: folder for the results. preview_seconds: how much of it is rendered.

    engine: a name in core.engines.
    """

    audio: Path
    reference: Path
    out: Path
    pixels: int
    preview_seconds: float
    seed: int
    engine: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A named piece of work and how long it took."""

    name: str
    seconds: float


def main(argv: list[str] | None = None) -> int:
    """Run the demo; 0 when everything was written."""
    try:
        run_demo(_read_arguments(argv))
    except MimeshError as error:
        print(f"The demo stopped: {error}", file=sys.stderr)
        return 1
    return 0


def run_demo(request: DemoRequest) -> None:
    """Build, generate, save, render, and say what was done."""
    for path in (request.audio, request.reference):
        if not path.is_file():
            raise MediaError(f"The file {path} does not exist.", "Check AUDIO and REFERENCE.")
    request.out.mkdir(parents=True, exist_ok=True)
    clock = _Clock()
    scene = _open_blender(request)
    clock.lap("Blender and the extension")
    _build_scene(scene, request)
    clock.lap("Demo head and strips")
    result = _generate(clock)
    print(result)
    _save(scene, request.out / "demo.blend")
    clock.lap("Saving demo.blend")
    _render(scene, request, clock)
    print("\n".join(f"{stage.seconds:7.1f} s  {stage.name}" for stage in clock.stages))
    print(f"{sum(stage.seconds for stage in clock.stages):7.1f} s  in all")
    for name in ("demo.blend", "preview.mp4", "contact_sheet.png"):
        print(f"Wrote {request.out / name}")


class _Clock:
    """Laps, in order."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self._started = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.stages.append(Stage(name, now - self._started))
        self._started = now


def _read_arguments(argv: list[str] | None) -> DemoRequest:
    parser = argparse.ArgumentParser(prog="python -m research.demo", description=__doc__)
    parser.add_argument("--audio", type=Path, default=DEMO / "input" / "speech.ogg", help="the speech to be said")
    parser.add_argument(
        "--reference", type=Path, default=DEMO / "input" / "reference.mp4", help="video of a person talking"
    )
    parser.add_argument("--out", type=Path, default=DEMO, help="folder for demo.blend, preview.mp4, contact_sheet.png")
    parser.add_argument("--pixels", type=int, default=640, help="width and height of the preview")
    parser.add_argument("--preview-seconds", type=float, default=30.0, help="render at most this much")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=engine_names(), default=DEFAULT_ENGINE, help="what makes the face")
    values = parser.parse_args(argv)
    if not 128 <= values.pixels <= 2048 or values.pixels % 2:
        raise SettingsError(f"The preview cannot be {values.pixels} pixels wide.", "Give an even number, 128 to 2048.")
    return DemoRequest(
        audio=values.audio.absolute(),
        reference=values.reference.absolute(),
        out=values.out,
        pixels=values.pixels,
        preview_seconds=values.preview_seconds,
        seed=values.seed,
        engine=values.engine,
    )


def _open_blender(request: DemoRequest) -> Any:
    """A Blender with settings of its own, thrown away at the end, and this checkout as its extension."""
    resources = Path(tempfile.mkdtemp(prefix="mimesh-demo-"))
    atexit.register(shutil.rmtree, resources, ignore_errors=True)
    link = resources / "extensions" / "user_default" / "mimesh"
    link.parent.mkdir(parents=True)
    link.symlink_to(ROOT, target_is_directory=True)
    os.environ["BLENDER_USER_RESOURCES"] = str(resources)
    os.environ.setdefault("MIMESH_ENGINE_PYTHON", sys.executable)
    addon_utils = _import_after_bpy()
    from research.render import preview

    scene = preview.fresh_scene()
    if addon_utils.enable(EXTENSION, default_set=True) is None:
        raise MimeshError(f"Blender could not enable the extension in {ROOT}.", "The console says why.")
    preview.set_stage(scene, preview.PreviewSettings(pixels=request.pixels, bust=True))
    return scene


def _import_after_bpy() -> Any:
    """``addon_utils`` is on the path only once bpy is loaded."""
    try:
        importlib.import_module("bpy")
    except ImportError as error:
        raise SettingsError("The demo needs Blender as a Python module (bpy).", "Run `make setup` first.") from error
    return importlib.import_module("addon_utils")


def _build_scene(scene: Any, request: DemoRequest) -> None:
    """What a user does by hand: head, sound strip, movie strip, and the choices in the panel."""
    bpy = importlib.import_module("bpy")
    bpy.ops.mimesh.add_demo_head()
    seconds = load_speech(request.audio).seconds
    scene.frame_start = 1
    scene.frame_end = max(round(seconds * scene.render.fps), 2)
    editor = scene.sequence_editor_create()
    # called sequences before 4.4
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    movie = strips.new_movie("reference", str(request.reference), channel=2, frame_start=1)
    scene.mimesh.reference_kind, scene.mimesh.reference_strip = "strip", movie.name
    scene.mimesh.seed, scene.mimesh.engine = request.seed, request.engine
    if bpy.app.build_options.audaspace:
        sound = strips.new_sound("speech", str(request.audio), channel=1, frame_start=1)
        scene.mimesh.speech_kind, scene.mimesh.speech_strip = "strip", sound.name
    else:
        # the bpy 4.2 module is built without sound
        scene.mimesh.speech_kind, scene.mimesh.speech_file = "file", str(request.audio)
    scene.sync_mode = "AUDIO_SYNC"


def _generate(clock: _Clock) -> str:
    """The Generate button's own steps, so that each stage can be timed; returns its report in words."""
    bpy = importlib.import_module("bpy")
    properties = importlib.import_module(f"{EXTENSION}.operators.properties")
    access = importlib.import_module(f"{EXTENSION}.operators.engine_access")
    session = importlib.import_module(f"{EXTENSION}.core.blender.session")
    extension_errors = importlib.import_module(f"{EXTENSION}.core.errors")
    settings = properties.freeze_settings(bpy.context.scene.mimesh)
    steps = session.generate_steps(bpy.context.scene, settings, access.engine_client(bpy.context))
    stage = ""
    try:
        while True:
            status = next(steps)
            # without how long the stage has been quiet
            present = status.stage.partition(" (")[0]
            if present != stage:
                if stage:
                    clock.lap(stage)
                stage = present
                print(f"{stage} ...", flush=True)
            time.sleep(0.01)
    except StopIteration as stop:
        clock.lap(stage)
        access.close_engine()
        return str(stop.value.describe())
    except extension_errors.MimeshError as error:
        # the extension's classes are its own copies of ours
        raise MimeshError(error.message, error.hint) from error


def _save(scene: Any, path: Path) -> None:
    """Save with the strips' paths relative to the file, so that the folder can be moved."""
    bpy = importlib.import_module("bpy")
    bpy.context.preferences.filepaths.save_version = 0
    scene.frame_set(scene.frame_start)
    bpy.ops.wm.save_as_mainfile(filepath=str(path.absolute()), compress=True)
    bpy.ops.file.make_paths_relative()
    bpy.ops.wm.save_mainfile(compress=True)


def _render(scene: Any, request: DemoRequest, clock: _Clock) -> None:
    """preview.mp4 with the speech as its sound, and the contact sheet."""
    from research.render import film, preview

    fps = scene.render.fps
    last = min(scene.frame_end, scene.frame_start + round(request.preview_seconds * fps) - 1)
    folder = request.out / "work" / "frames"
    shutil.rmtree(folder, ignore_errors=True)
    print(f"Rendering {last - scene.frame_start + 1} frames ...", flush=True)
    pictures = preview.render_frames(scene, scene.frame_start, last, folder)
    clock.lap(f"Rendering {len(pictures)} frames")
    sound = film.read_sound(request.audio, 0.0, len(pictures) / fps)
    film.write_film(pictures, fps, sound, request.out / "preview.mp4")
    chosen = [pictures[round(i * (len(pictures) - 1) / (_SHEET_PICTURES - 1))] for i in range(_SHEET_PICTURES)]
    small = [film.shrink(film.read_picture(picture), 2) for picture in chosen]
    film.contact_sheet(small, _SHEET_COLUMNS, request.out / "contact_sheet.png")
    shutil.rmtree(folder, ignore_errors=True)
    clock.lap("Film and contact sheet")


if __name__ == "__main__":
    sys.exit(main())
