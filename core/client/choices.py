# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user asked for, frozen. Standard library only: this is imported when Blender starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..engines import DEFAULT_ENGINE

SourceKind = Literal["strip", "file", "style", "none"]
OnExisting = Literal["refuse", "push_down"]


@dataclass(frozen=True, slots=True)
class SourceChoice:
    """value: the strip's name or the file's path as typed (``//`` is the blend file's folder)."""

    kind: SourceKind
    value: str = ""


@dataclass(frozen=True, slots=True)
class PoseChoice:
    """As :class:`core.engine.pipeline.PoseRequest`; bank: a path as typed, empty is the bundled bank."""

    source: str = "bank"
    k: int = 1
    temperature: float = 1.0
    top_p: float = 0.95
    seed: int = 0
    dead_zone_radians: float = 0.0
    bank: str = ""


@dataclass(frozen=True, slots=True)
class GenerateSettings:
    """One click on Generate.

    ``object_name`` is the mesh; ``on_existing`` is about other people's actions; ``neck_share`` of the head's rotation
    goes to the neck where the rig has both bones. ``second_style``: path of a style file that is mixed into the
    reference's by ``style_mix``, empty for none.
    """

    object_name: str
    speech: SourceChoice
    reference: SourceChoice = SourceChoice("none")
    style_strength: float = 1.0
    head_amount: float = 1.0
    seed: int = 0
    engine: str = DEFAULT_ENGINE
    on_existing: OnExisting = "refuse"
    neck_share: float = 0.0
    pose: PoseChoice = PoseChoice()
    blinks: bool = True
    gaze_amount: float = 1.0
    second_style: str = ""
    style_mix: float = 0.0
