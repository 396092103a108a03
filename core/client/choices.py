# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user asked for, frozen. Standard library only: this is imported when Blender starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..settings import BakeSettings, MotionSettings

SourceKind = Literal["strip", "strips", "channel", "file", "style", "none"]


@dataclass(frozen=True, slots=True)
class SourceChoice:
    """value: the strip's name, the names of several (one a line) or the number of a channel, which are taken as one
    speech; or the file's path as typed (``//`` is the blend file's folder).

    track, person: which of the file's sound tracks and of the people in its picture, from 1; None chooses.
    """

    kind: SourceKind
    value: str = ""
    track: int | None = None
    person: int | None = None


@dataclass(frozen=True, slots=True)
class GenerateSettings(MotionSettings):
    """One click on Generate.

    ``object_name`` is the mesh. ``second_style``: path of a style file that is mixed into the reference's, empty for
    none.
    """

    object_name: str
    speech: SourceChoice
    reference: SourceChoice = SourceChoice("none")
    second_style: str = ""
    bake: BakeSettings = BakeSettings()
