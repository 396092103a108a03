# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core generate``: keys a character in a .blend. Runs in a Python that has ``bpy``.

The models run in the engine process, so this Python needs neither torch nor the tracker.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..client.client import EngineClient
from ..client.environment import find_engine_python
from ..errors import EngineSetupError, SettingsError
from ..settings import BakeSettings
from .console import motion_request, progress_line, require_writable
from .setting_options import read_settings

if TYPE_CHECKING:
    from ..blender.session import Steps
    from ..client.report import GenerateReport
    from ..exchange.request import MotionRequest

# between two looks at the engine
_STEP_SECONDS = 0.03
CODE_ROOT = Path(__file__).resolve().parents[2]


def run(options: argparse.Namespace) -> None:
    """Open, generate, key, save. Nothing is written when any of it fails."""
    request = motion_request(options)
    require_writable(options.out, ".blend")
    if not request.audio.path.is_file():
        raise SettingsError(f"The speech file {request.audio.path} does not exist.")
    if importlib.util.find_spec("bpy") is None:
        raise EngineSetupError(
            "This Python has no bpy module, which generate needs.", "Use one with bpy, or the command motion."
        )
    python = find_engine_python(options.python)
    with tempfile.TemporaryDirectory(prefix="mimesh-", ignore_cleanup_errors=True) as folder:
        client = EngineClient(python, CODE_ROOT, Path(folder))
        try:
            client.warm_up()
            _generate(options, request, client)
        finally:
            client.close(wait=True)


def _generate(options: argparse.Namespace, request: MotionRequest, client: EngineClient) -> None:
    from ..blender.blend_file import find_character, open_blend, place_sound, save_blend, set_frame_rate
    from ..blender.session import request_steps
    from ..client.choices import GenerateSettings, SourceChoice

    scene = open_blend(options.rig)
    if options.fps is not None:
        set_frame_rate(scene, options.fps)
    settings = GenerateSettings(
        object_name=find_character(options.object),
        speech=SourceChoice("file", str(request.audio.path)),
        bake=read_settings(options, BakeSettings),
    )
    placement = place_sound(scene, request.audio)
    report = _watched(request_steps(scene, settings, request, placement.first_frame, client))
    save_blend(options.out)
    print("\n".join(filter(None, (report.describe(), placement.note, f"Saved {options.out}."))))


def _watched(steps: Steps[GenerateReport]) -> GenerateReport:
    with progress_line() as line:
        while True:
            try:
                status = next(steps)
            except StopIteration as finished:
                report: GenerateReport = finished.value
                return report
            line.show(status.stage, status.fraction, status.seconds_left)
            time.sleep(_STEP_SECONDS)
