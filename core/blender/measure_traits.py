# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures a style's traits: the chosen speech, said once in the style and once as the mean speaker says it."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path

import bpy

from ..client.choices import GenerateSettings, SourceChoice
from ..client.engine_port import Engine
from ..client.steps import StepStatus
from ..settings import EyesSettings
from ..style.style import Style
from ..style.traits import Traits, measure_traits, with_traits
from ..trait_settings import TraitAmounts
from .session import find_scene, motion_request
from .sources import read_speech
from .watch import Steps, watch_one_of

PERSON, AVERAGE = "person", "average"


def measure_steps(
    scene: bpy.types.Scene, settings: GenerateSettings, style: Style, engine: Engine
) -> Steps[Mapping[str, Traits]]:
    """What the style and the mean speaker make of the speech. Writes nothing; raises :class:`MimeshError`."""
    scene_name = scene.name
    yield StepStatus("Reading the scene", 0.0)
    scene = find_scene(scene_name)
    # whatever reference the panel shows is not asked for, so it may as well be none
    settings = dataclasses.replace(settings, reference=SourceChoice("none"), second_style="")
    request = motion_request(scene, settings, read_speech(scene, settings.speech))
    request = dataclasses.replace(
        request,
        face=dataclasses.replace(request.face, style_strength=1.0),
        eyes=dataclasses.replace(EyesSettings(), blinks=True),
    )
    found: dict[str, Traits] = {}
    with tempfile.TemporaryDirectory(prefix="mimesh-", ignore_cleanup_errors=True) as folder:
        # without its amounts: they are told beside what they change
        bare = Path(folder) / "style.safetensors"
        with_traits(style, TraitAmounts(), {}).save(bare)
        for number, (name, path) in enumerate(((PERSON, bare), (AVERAGE, None))):
            job = engine.submit(dataclasses.replace(request, style=path))
            result = yield from watch_one_of(job, name.capitalize(), number, 2)
            found[name] = measure_traits(result.motion)
    return found
