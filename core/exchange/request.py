# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine is asked for, as plain data. Standard library only: built and read inside Blender."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ..engines import find_engine, mixing_engines
from ..errors import SettingsError
from ..settings import HeadSettings, MotionSettings, groups_from_json, groups_to_json
from .media_range import MediaRange


@dataclass(frozen=True, slots=True)
class MotionRequest(MotionSettings):
    """Everything that decides a generated motion; the same request gives the same motion.

    reference, style: whom to talk like, a clip or a saved style's file; at most one of them. second_style: a style
    file whose face is mixed into the first's by ``face.style_mix``; head and eyes stay the first's. Mimic only.
    listener: who moves does not speak, but attends to the speech; without a sound in it, idle motion.
    """

    audio: MediaRange
    reference: MediaRange | None = None
    style: Path | None = None
    second_style: Path | None = None
    listener: bool = False

    def __post_init__(self) -> None:
        if self.reference is not None and self.style is not None:
            raise SettingsError("Both a reference clip and a style file are given.", "Choose one of them.")
        if self.second_style is not None:
            self._require_mixable(self.second_style)

    def _require_mixable(self, second: Path) -> None:
        if not find_engine(self.face.engine).can_mix:
            able = " or ".join(entry.name for entry in mixing_engines())
            raise SettingsError(
                f"The engine {self.face.engine} cannot mix two styles.",
                f"Choose {able}, or leave the second style out.",
            )
        if self.reference is None and self.style is None:
            raise SettingsError(
                f"The second style {second.name} has no first to be mixed into.",
                "Choose a reference or a style as well.",
            )

    @property
    def seeded_head(self) -> HeadSettings:
        """How the head moves, with the seed that its generator takes: another seed of the run changes it too."""
        return dataclasses.replace(self.head, seed=self.run.seed + self.head.seed)

    def to_json(self) -> dict[str, Any]:
        """Plain values for one protocol line."""
        return {
            "audio": self.audio.to_json(),
            "reference": self.reference.to_json() if self.reference else None,
            "style": absolute_text(self.style),
            "second_style": absolute_text(self.second_style),
            "listener": self.listener,
            **groups_to_json(self),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`; older ones know no second style. Raises :class:`SettingsError` on nonsense."""
        try:
            return cls(
                audio=MediaRange.from_json(data["audio"]),
                reference=MediaRange.from_json(data["reference"]) if data["reference"] else None,
                style=Path(data["style"]) if data["style"] else None,
                second_style=Path(data["second_style"]) if data.get("second_style") else None,
                listener=bool(data.get("listener", False)),
                **groups_from_json(data),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SettingsError(f"This is no motion request ({type(error).__name__}: {error}).") from error


@dataclass(frozen=True, slots=True)
class BankRequest:
    """Add a person's way of moving the head to a bank of pose styles: from a clip, or from a saved style.

    bank: the file; one that does not exist yet begins as a copy of the bundled bank. name: empty takes the clip's.
    """

    bank: Path
    reference: MediaRange | None = None
    style: Path | None = None
    name: str = ""
    device: str = "auto"

    def __post_init__(self) -> None:
        if (self.reference is None) == (self.style is None):
            raise SettingsError("A pose bank takes one clip or one style at a time.", "Choose one of them.")

    def to_json(self) -> dict[str, Any]:
        """Plain values for one protocol line."""
        return {
            "bank": absolute_text(self.bank),
            "reference": self.reference.to_json() if self.reference else None,
            "style": absolute_text(self.style),
            "name": self.name,
            "device": self.device,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`. Raises :class:`SettingsError` on nonsense."""
        try:
            return cls(
                bank=Path(data["bank"]),
                reference=MediaRange.from_json(data["reference"]) if data["reference"] else None,
                style=Path(data["style"]) if data["style"] else None,
                name=str(data["name"]),
                device=str(data["device"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(f"This is no bank request ({type(error).__name__}: {error}).") from error


def absolute_text(path: Path | None) -> str | None:
    """Absolute, because the engine runs in another folder; None stays None."""
    return None if path is None else str(path.expanduser().absolute())
