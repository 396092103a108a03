# SPDX-License-Identifier: GPL-3.0-or-later
"""One family of errors. Each carries a sentence for the user and a hint for the next step."""

from __future__ import annotations


class MimeshError(Exception):
    """Base of everything Mimesh refuses or fails at.

    ``message`` names the object and the value in one sentence; ``hint`` says what to do next.
    ``kind`` is a stable word that crosses the process border instead of a pickled exception.
    """

    kind = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class MediaError(MimeshError):
    """An audio or video file is missing, unreadable or lacks what we need from it."""

    kind = "media"


class ReferenceClipError(MimeshError):
    """A reference clip can be read, but no usable face motion can be taken from it."""

    kind = "reference"


class RigError(MimeshError):
    """The chosen mesh or armature cannot carry the motion."""

    kind = "rig"


class ModelError(MimeshError):
    """A bundled or user model file is missing, damaged or made for another basis."""

    kind = "model"


class EngineSetupError(MimeshError):
    """The engine's Python or its packages are missing or do not fit."""

    kind = "environment"


class EngineError(MimeshError):
    """The engine process died, hung or answered nonsense."""

    kind = "engine"


class SettingsError(MimeshError):
    """A setting or command-line value is out of range or names nothing."""

    kind = "settings"


class CancelledError(MimeshError):
    """The user cancelled; not a failure."""

    kind = "cancelled"


_BY_KIND: dict[str, type[MimeshError]] = {
    cls.kind: cls
    for cls in (
        MimeshError,
        MediaError,
        ReferenceClipError,
        RigError,
        ModelError,
        EngineSetupError,
        EngineError,
        SettingsError,
        CancelledError,
    )
}


def error_from_kind(kind: str, message: str, hint: str = "") -> MimeshError:
    """Rebuild the error that a worker reported; an unknown kind becomes the base class."""
    return _BY_KIND.get(kind, MimeshError)(message, hint)
