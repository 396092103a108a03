# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines that a command or a batch has made, noted so that a dialogue sheet with the same line finds it done."""

from __future__ import annotations

import contextlib
import dataclasses

import bpy

from ...client.choices import GenerateSettings, SourceChoice
from ...errors import MimeshError
from ...exchange.media_range import MediaRange
from ...exchange.request import MotionRequest
from .digests import FileDigests
from .retime import note_made
from .survey import Survey


@dataclasses.dataclass(frozen=True, slots=True)
class CommandedLine:
    """How a line was asked for. audio, first_frame: of a file in the place of strips. reference_strip: its name."""

    settings: GenerateSettings
    request: MotionRequest
    audio: MediaRange | None = None
    first_frame: float | None = None
    reference_strip: str | None = None

    def note(self, scene: bpy.types.Scene, actions: tuple[str, ...]) -> None:
        """Keep with its actions what the line was made from.

        Nothing of a part of a file, which a sheet does not know: such a line counts as made with other settings.
        """
        files = (self.audio, self.request.reference if self.reference_strip is None else None)
        if any(media is not None and (media.start_seconds > 0 or media.end_seconds is not None) for media in files):
            return
        second = str(self.request.second_style) if self.request.second_style is not None else ""
        settings = dataclasses.replace(self.settings, reference=self._reference(), second_style=second)
        with contextlib.suppress(MimeshError):
            note_made(actions, Survey(scene, FileDigests()).made_from(settings, self.first_frame))

    def _reference(self) -> SourceChoice:
        if self.reference_strip is not None:
            return SourceChoice("strip", self.reference_strip)
        if self.request.style is not None:
            return SourceChoice("style", str(self.request.style))
        reference = self.request.reference
        return SourceChoice("none") if reference is None else SourceChoice("file", str(reference.path.absolute()))
