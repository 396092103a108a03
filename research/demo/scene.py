# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's scene in Blender: the extension from this checkout, heads in a studio, and a run for each head."""

from __future__ import annotations

import atexit
import importlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.audio.decode import load_speech
from core.errors import MimeshError, SettingsError
from research.paths import ROOT

if TYPE_CHECKING:
    from research.demo.__main__ import Clock, DemoRequest

EXTENSION = "bl_ext.user_default.mimesh"
# between the strips of one role, in channels
_SPEECH_CHANNEL, _FIRST_REFERENCE_CHANNEL = 1, 2


def open_blender() -> Any:
    """A Blender with settings of its own, thrown away at the end, and this checkout as its extension: its scene."""
    resources = Path(tempfile.mkdtemp(prefix="mimesh-demo-"))
    atexit.register(shutil.rmtree, resources, ignore_errors=True)
    link = resources / "extensions" / "user_default" / "mimesh"
    link.parent.mkdir(parents=True)
    link.symlink_to(ROOT, target_is_directory=True)
    os.environ["BLENDER_USER_RESOURCES"] = str(resources)
    os.environ.setdefault("MIMESH_ENGINE_PYTHON", sys.executable)
    addon_utils = _import_after_bpy()
    from research.render.preview import fresh_scene

    scene = fresh_scene()
    if addon_utils.enable(EXTENSION, default_set=True) is None:
        raise MimeshError(f"Blender could not enable the extension in {ROOT}.", "The console says why.")
    return scene


def _import_after_bpy() -> Any:
    """``addon_utils`` is on the path only once bpy is loaded."""
    try:
        importlib.import_module("bpy")
    except ImportError as error:
        raise SettingsError("The demo needs Blender as a Python module (bpy).", "Run `make setup` first.") from error
    return importlib.import_module("addon_utils")


def build_scene(scene: Any, request: DemoRequest) -> list[Any]:
    """What a user does by hand: heads, sound strip, movie strips; and the studio round them. Returns the heads."""
    from research.render import studio

    bpy = importlib.import_module("bpy")
    heads = []
    for _ in request.references:
        bpy.ops.mimesh.add_demo_head()
        heads.append(scene.mimesh.target)
    studio.place_heads(heads)
    studio.set_studio(scene, studio.StudioSettings(request.height * 16 // 9, request.height))
    for head, reference in zip(heads, request.references, strict=True):
        studio.add_label(scene, head, f"in the way of {reference.name}")
    seconds = load_speech(request.audio).seconds
    scene.frame_start = 1
    # the last key rests one frame after the sound
    scene.frame_end = max(round(seconds * scene.render.fps) + 1, 2)
    _add_strips(scene, request)
    scene.mimesh.seed, scene.mimesh.engine = request.seed, request.engine
    scene.sync_mode = "AUDIO_SYNC"
    return heads


def _add_strips(scene: Any, request: DemoRequest) -> None:
    bpy = importlib.import_module("bpy")
    editor = scene.sequence_editor_create()
    # called sequences before 4.4
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    for channel, reference in enumerate(request.references, _FIRST_REFERENCE_CHANNEL):
        # two clips may have one name: each strip is found by its channel
        strips.new_movie(f"reference {channel}", str(reference), channel=channel, frame_start=1)
    if bpy.app.build_options.audaspace:
        sound = strips.new_sound("speech", str(request.audio), channel=_SPEECH_CHANNEL, frame_start=1)
        scene.mimesh.speech_kind, scene.mimesh.speech_strip = "strip", sound.name
    else:
        # the bpy 4.2 module is built without sound
        scene.mimesh.speech_kind, scene.mimesh.speech_file = "file", str(request.audio)


def generate(head: Any, reference: Path, request: DemoRequest, clock: Clock) -> str:
    """The Generate button's own steps, so that each stage can be timed; returns its report in words."""
    bpy = importlib.import_module("bpy")
    properties = importlib.import_module(f"{EXTENSION}.operators.properties")
    session = importlib.import_module(f"{EXTENSION}.core.blender.session")
    extension_errors = importlib.import_module(f"{EXTENSION}.core.errors")
    scene = bpy.context.scene
    scene.mimesh.target = head
    channel = _FIRST_REFERENCE_CHANNEL + request.references.index(reference)
    scene.mimesh.reference_kind, scene.mimesh.reference_strip = "strip", f"reference {channel}"
    print(f"{head.name}, as in {reference.name}:", flush=True)
    steps = session.generate_steps(
        scene, properties.freeze_settings(scene.mimesh), _access().engine_client(bpy.context)
    )
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
        return str(stop.value.describe())
    except extension_errors.MimeshError as error:
        # the extension's classes are its own copies of ours
        raise MimeshError(error.message, error.hint) from error


def close_engine() -> None:
    """The engine is not needed for the film."""
    _access().close_engine()


def save(scene: Any, path: Path) -> None:
    """Save with the strips' paths relative to the file, so that the folder can be moved."""
    bpy = importlib.import_module("bpy")
    bpy.context.preferences.filepaths.save_version = 0
    scene.frame_set(scene.frame_start)
    bpy.ops.wm.save_as_mainfile(filepath=str(path.absolute()), compress=True)
    bpy.ops.file.make_paths_relative()
    bpy.ops.wm.save_mainfile(compress=True)


def _access() -> Any:
    return importlib.import_module(f"{EXTENSION}.operators.engine_access")
