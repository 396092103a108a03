# SPDX-License-Identifier: GPL-3.0-or-later
"""Loaded networks, kept warm between the jobs of a process."""

from __future__ import annotations

import gc
import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..checkpoint import uninterrupted
from ..engines import EngineEntry, find_engine
from ..model_pack import ModelPack
from .context import DEFAULT_ENCODER, EngineContext, open_context, resolve_device, unusable_python

if TYPE_CHECKING:
    from .backends.base import Backend
    from .backends.head import HeadBackend

# by device, encoder and model pack
_loaded: dict[tuple[str, str, str], LoadedModels] = {}


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
                with uninterrupted(f"loading {entry.label}"):
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
                with uninterrupted("loading the networks of the head"):
                    self._head = HeadBackend.load(self.context)
            except ImportError as error:
                raise unusable_python(error) from error
        return self._head


def loaded_models(device: str = "auto", encoder: str = DEFAULT_ENCODER, pack: Path | None = None) -> LoadedModels:
    """The process' networks on this device, those of a model pack first.

    Raises :class:`MimeshError` where torch, device, encoder or pack is missing.
    """
    from ..models.speech.registry import chosen_encoder

    place = resolve_device(device)
    # by what the wishes come to: "auto" and what it stands for share their networks
    choice = chosen_encoder(encoder) if pack is None else encoder
    key = (place, choice, "" if pack is None else _pack_key(pack))
    if key not in _loaded:
        with uninterrupted("loading the speech encoder"):
            _loaded[key] = LoadedModels(open_context(place, choice, pack))
    return _loaded[key]


def _pack_key(pack: Path) -> str:
    """A pack that was trained on since is another one. Raises :class:`ModelError` where it is none."""
    return f"{pack} {sorted(ModelPack.open(pack).checksums.values())}"


def release_models() -> None:
    """Forget all networks, and what they remember, so that an idle engine holds little memory, on cards too."""
    from ..models.device import release_cards

    _loaded.clear()
    gc.collect()
    release_cards()


def backend_class(entry: EngineEntry) -> type[Backend]:
    """The class that the entry names, imported now."""
    module, _, name = entry.backend.partition(":")
    # "core" has another name in front of it inside Blender
    core = __name__.rsplit(".", 2)[0]
    found: type[Backend] = getattr(importlib.import_module(module, core), name)
    return found
