# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation first``: from a new reference to keys on the face, stage by stage.

The demo's speech and reference on the demo head, in this process' Blender, with the engine as a process of its own, as
a click does it. A first run with another part of the clip brings everything into memory.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.client.client import EngineClient
from core.exchange.media_range import MediaRange
from core.exchange.request import MotionRequest
from core.exchange.stage_labels import stage_label
from core.models.speech.registry import BUNDLED, WHISPER
from core.models.speech.whisper_files import whisper_is_ready
from core.settings import FaceSettings
from research.evaluation.sections import DEMO_REFERENCE, DEMO_SPEECH
from research.evaluation.tables import Table
from research.paths import ROOT

SECONDS = 10.0
# how often Blender looks at a run in a window
_TICK_SECONDS = 0.05
_COLUMNS = (
    "speech encoder",
    "tracking",
    "then first keys after",
    "then last keys after",
    "of it learning",
    "motion",
    "head",
    "known reference",
)


@dataclass(slots=True)
class Clock:
    """When a run's words changed, in seconds from its begin."""

    tracked: float = float("nan")
    shown: float = float("nan")
    ended: float = float("nan")
    stages: dict[str, float] = field(default_factory=dict)

    def see(self, words: str, now: float, playable: bool) -> None:
        """One status. Tracking has ended when the next stage is named."""
        if words.startswith(stage_label("track")):
            self.tracked = now
        elif playable and math.isnan(self.shown):
            self.shown = now


def timed_run(client: EngineClient, request: MotionRequest) -> Clock:
    """A click's work from the request on, in a scene with nothing but the demo head."""
    from core.blender.first_keys import FirstKeys
    from core.blender.session import request_steps
    from core.blender.watch import PLAYABLE
    from core.client.choices import GenerateSettings, SourceChoice
    from research.render.evaluate import demo_head_in_fresh_scene

    head = demo_head_in_fresh_scene()
    settings = GenerateSettings(
        object_name=head.name, speech=SourceChoice("file", str(request.audio.path)), **request.groups()
    )
    clock, began = Clock(), time.perf_counter()
    for status in request_steps(head.users_scene[0], settings, request, 1.0, client, FirstKeys()):
        clock.see(status.stage, time.perf_counter() - began, status.stage.startswith(PLAYABLE))
        time.sleep(_TICK_SECONDS)
    clock.ended = time.perf_counter() - began
    return clock


def measure(encoder: str) -> tuple[str, ...]:
    """A row of the table."""
    with tempfile.TemporaryDirectory(prefix="mimesh-first-") as folder:
        client = EngineClient(Path(sys.executable), ROOT, Path(folder))
        try:
            timed_run(client, _request(encoder, 0.04, 3.0))
            clock = timed_run(client, _request(encoder, 0.0, SECONDS))
            stages = client.submit(_request(encoder, 0.02, SECONDS)).wait().stage_seconds
            again = timed_run(client, _request(encoder, 0.0, SECONDS))
        finally:
            client.close(wait=True)
    after = (clock.shown - clock.tracked, clock.ended - clock.tracked)
    numbers = (clock.tracked, *after, stages["style"], stages["motion"], stages["head"], again.ended)
    return (encoder, *(f"{number:.2f}" for number in numbers))


def _request(encoder: str, start: float, end: float) -> MotionRequest:
    face = FaceSettings(speech_encoder=encoder)
    return MotionRequest(MediaRange(DEMO_SPEECH), reference=MediaRange(DEMO_REFERENCE, start, end), face=face)


def main(argv: Sequence[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m research.evaluation first", description=__doc__)
    parser.parse_args(argv)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    rows = [measure(encoder) for encoder in (BUNDLED, *((WHISPER,) if whisper_is_ready() else ()))]
    note = (
        f"{os.cpu_count()} cores, load {load:.1f} before. Learning, motion and head are of another run, as the engine "
        "tells them."
    )
    table = Table("Ten seconds of a new reference, AdaMesh: seconds by the clock", _COLUMNS, tuple(rows), note)
    sys.stdout.write(f"{table.text()}\n")
    return 0
