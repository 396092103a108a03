# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of engines: what everybody but the engine process needs to know of each. Standard library only.

An engine turns speech into the motion of a face. To add one, write its backend (a class as
:class:`core.engine.backends.base.Backend`) and add one entry here; see docs/adding-an-engine.md. Command line, panels,
requests, warm-up, style extraction and the style library read this table.
"""

from __future__ import annotations

from dataclasses import dataclass

from .errors import SettingsError

DEFAULT_ENGINE = "adamesh"
# an engine that learns from a clip within this time does so for every clip, so that one saved style serves several
QUICK_LEARNING_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """One engine.

    name: in requests, on the command line and in .blend files; never changed once released.
    label, help: in the panel.
    backend: ``module:Class`` in the engine process; a module that begins with a dot lies in ``core``.
    style_part: key of what the engine learns from a reference, in style files. style_part_label: its name for users.
    can_mix: whether the backend speaks between two styles.
    learning_seconds: what learning from ten seconds of reference takes on two cores, for the progress bar.
    """

    name: str
    label: str
    help: str
    backend: str
    style_part: str
    style_part_label: str
    can_mix: bool
    learning_seconds: float

    @property
    def learns_always(self) -> bool:
        """Whether it learns from every reference, whichever engine is asked for."""
        return self.learning_seconds <= QUICK_LEARNING_SECONDS


_entries = {
    entry.name: entry
    for entry in (
        EngineEntry(
            name="adamesh",
            label="AdaMesh",
            help="Trains on the reference for some seconds, to talk like it most closely",
            backend=".engine.backends.adamesh:AdaMeshBackend",
            style_part="expression",
            style_part_label="expression",
            can_mix=False,
            learning_seconds=5.0,
        ),
        EngineEntry(
            name="mimic",
            label="Mimic",
            help="Reads the way of talking off the reference at once; can mix two styles",
            backend=".engine.backends.mimic:MimicBackend",
            style_part="mimic",
            style_part_label="Mimic code",
            can_mix=True,
            learning_seconds=0.8,
        ),
    )
}


def engines() -> tuple[EngineEntry, ...]:
    """All of them, in the order in which they are offered."""
    return tuple(_entries.values())


def engine_names() -> tuple[str, ...]:
    """As :func:`engines`."""
    return tuple(_entries)


def find_engine(name: str) -> EngineEntry:
    """The engine called so. Raises :class:`SettingsError` naming those that there are."""
    if name not in _entries:
        raise SettingsError(f"There is no engine called {name!r}; there are: {', '.join(_entries)}.")
    return _entries[name]


def mixing_engines() -> tuple[EngineEntry, ...]:
    """Those that speak between two styles."""
    return tuple(entry for entry in engines() if entry.can_mix)


def style_part_labels() -> dict[str, str]:
    """Names for users of the parts of a style that engines learn, by their keys in the file."""
    return {entry.style_part: entry.style_part_label for entry in engines()}


def register_engine(entry: EngineEntry) -> None:
    """Add an engine at run time, before the panel is registered. Raises ValueError where name or part is taken."""
    if entry.name in _entries or entry.style_part in style_part_labels():
        raise ValueError(f"there is an engine {entry.name} or a style part {entry.style_part} already")
    _entries[entry.name] = entry


def unregister_engine(name: str) -> None:
    """Take an engine out again. Raises KeyError where there is none of this name."""
    del _entries[name]
