# SPDX-License-Identifier: GPL-3.0-or-later
"""Part of a sound or video file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ..errors import SettingsError


@dataclass(frozen=True, slots=True)
class MediaRange:
    """Part of a media file: [start, end) in seconds; an ``end_seconds`` of None is the file's end.

    track: which of its sound tracks, counted from 1; None takes the default one, else the one most like speech.
    person: which of the people in its picture, counted from 1; None takes the one whose lips go with the sound.
    label: what it is called instead of its path, such as the strips that Blender mixed into the file.
    playback: a recording of how Blender plays the beginning of this range, from the same moment on; the sound is put
    where it lies there. None where the file's own clock holds.
    """

    path: Path
    start_seconds: float = 0.0
    end_seconds: float | None = None
    track: int | None = None
    person: int | None = None
    label: str = ""
    playback: MediaRange | None = None

    def __post_init__(self) -> None:
        for name, seconds in (("start", self.start_seconds), ("end", self.end_seconds)):
            if seconds is not None and not math.isfinite(seconds):
                raise SettingsError(
                    f"The {name} of {self.path.name} is {seconds:g}; it must be a number of seconds.",
                    "Leave it out for the whole file.",
                )
        if not self.start_seconds >= 0.0:
            raise SettingsError(f"The start of {self.path.name} is {self.start_seconds} s; it cannot be negative.")
        if self.end_seconds is not None and not self.end_seconds > self.start_seconds:
            raise SettingsError(
                f"The range of {self.path.name} ends at {self.end_seconds:g} s, "
                f"which is not after its start at {self.start_seconds:g} s.",
                "Check the trim or the range options.",
            )

    @property
    def seconds(self) -> float | None:
        """The length, None where the range goes on to the file's end."""
        return None if self.end_seconds is None else self.end_seconds - self.start_seconds

    def to_json(self) -> dict[str, Any]:
        """Absolute, because the worker runs in another folder."""
        path = str(self.path.expanduser().absolute())
        media = {"path": path, "start_seconds": self.start_seconds, "end_seconds": self.end_seconds}
        playback = self.playback.to_json() if self.playback else None
        chosen = {"track": self.track, "person": self.person, "label": self.label or None, "playback": playback}
        return media | {name: value for name, value in chosen.items() if value is not None}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`. Raises :class:`SettingsError` on nonsense."""
        try:
            chosen = {"track": data.get("track"), "person": data.get("person"), "label": data.get("label", "")}
            playback = cls.from_json(data["playback"]) if data.get("playback") else None
            return cls(
                Path(data["path"]), float(data["start_seconds"]), data["end_seconds"], playback=playback, **chosen
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(f"This is no media range: {data!r:.80} ({error}).") from error
