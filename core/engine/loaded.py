# SPDX-License-Identifier: GPL-3.0-or-later
"""Loaded networks, kept warm between the jobs of a process."""

from __future__ import annotations

import gc
import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..engines import EngineEntry, find_engine
from .context import DEFAULT_ENCODER, EngineContext, open_context, resolve_device, unusable_python

if TYPE_CHECKING:
    from .backends.base import Backend
    from .backends.head import HeadBackend

# by device and encoder
_loaded: dict[tuple[str, str], LoadedModels] = {}


@dataclass(slots=True, eq=False)
class LoadedModels:
    """The backends of one context; each is loaded when it is first asked for. They raise :class:`MimeshError`."""

    context: EngineContext
    _backends: dict[str, Backend] = field(default_factory=dict)
    _head: HeadBackend | None = None

    def backend(self, name: str) -> Backend:
        """The engine called so. Raises :class:`SettingsError` for a name that is not in the table of engines."""
        if name not in self._backends:
            entry = find_engine(name)
            try:
                self._backends[name] = backend_class(entry).load(self.context)
            except ImportError as error:
                raise unusable_python(error) from error
        return self._backends[name]

    def is_loaded(self, name: str) -> bool:
        """Whether :meth:`backend` has its networks already."""
        return name in self._backends

    @property
    def head(self) -> HeadBackend:
        """What moves the head, whichever engine moves the face."""
        from .backends.head import HeadBackend

        if self._head is None:
            try:
                self._head = HeadBackend.load(self.context)
            except ImportError as error:
                raise unusable_python(error) from error
        return self._head


def loaded_models(device: str = "auto", encoder: str = DEFAULT_ENCODER) -> LoadedModels:
    """The process' networks on this device. Raises :class:`MimeshError` where torch, device or encoder is missing."""
    from ..models.speech.registry import chosen_encoder

    # by what the wishes come to: "auto" and what it stands for share their networks
    key = (resolve_device(device), chosen_encoder(encoder))
    if key not in _loaded:
        _loaded[key] = LoadedModels(open_context(*key))
    return _loaded[key]


def release_models() -> None:
    """Forget all networks, and what they remember, so that an idle engine holds little memory."""
    _loaded.clear()
    gc.collect()


def backend_class(entry: EngineEntry) -> type[Backend]:
    """The class that the entry names, imported now."""
    module, _, name = entry.backend.partition(":")
    # "core" has another name in front of it inside Blender
    core = __name__.rsplit(".", 2)[0]
    found: type[Backend] = getattr(importlib.import_module(module, core), name)
    return found
