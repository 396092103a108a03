# SPDX-License-Identifier: GPL-3.0-or-later
"""The one engine client of this Blender: made at the first click, warm until the extension is disabled.

Main thread only. Tests put their own maker in with :func:`use_engine_maker`.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..core.exchange.packages import PYTHON_VARIABLE
from .preferences import engine_folder, preferences, work_folder
from .properties import run_state
from .running import stop_runs

if TYPE_CHECKING:
    from ..core.client.engine_port import Engine

CODE_ROOT = Path(__file__).resolve().parent.parent
EngineMaker = Callable[[Path, Path, Path], "Engine"]


@dataclass(slots=True)
class _Held:
    """The client in use and what it was made from."""

    client: Engine | None = None
    python: Path | None = None
    folder: Path | None = None
    maker: EngineMaker | None = None


_held = _Held()


def engine_python(context: bpy.types.Context) -> Path | None:
    """The Python to run: the preference, the environment variable, or the one that Set Up Engine made."""
    chosen = preferences(context).engine_python
    variable = os.environ.get(PYTHON_VARIABLE, "")
    return _find_python(bpy.path.abspath(chosen) if chosen else "", variable, str(engine_folder(context)))


def has_engine(context: bpy.types.Context) -> bool:
    """Cheap enough for panels: the file system is looked at once."""
    return _held.maker is not None or engine_python(context) is not None


def forget_engine_python() -> None:
    """Look again next time (after a setup or a changed preference)."""
    _find_python.cache_clear()


def engine_client(context: bpy.types.Context) -> Engine:
    """The client, made anew when another Python or folder was chosen. Raises EngineSetupError."""
    from ..core.errors import EngineSetupError

    python, folder = engine_python(context), work_folder(context)
    if python is None and _held.maker is None:
        raise EngineSetupError("The engine is not set up yet.", "Press Set Up in the Engine panel.")
    python = python or Path()
    if _held.client is None or (_held.python, _held.folder) != (python, folder):
        close_engine()
        _held.client = (_held.maker or _make_client)(python, CODE_ROOT, folder)
        _held.python, _held.folder = python, folder
    return _held.client


def close_engine(wait: bool = False) -> None:
    """End the engine process, if there is one; with ``wait`` it has let go of its files on return."""
    if _held.client is not None:
        _held.client.close(wait=wait)
    _held.client = None


def use_engine_maker(maker: EngineMaker | None) -> None:
    """Let ``maker(python, code_root, job_root)`` make clients from now on; None goes back to the real one."""
    close_engine()
    _held.maker = maker


def _make_client(python: Path, code_root: Path, job_root: Path) -> Engine:
    from ..core.client.client import EngineClient

    return EngineClient(python, code_root, job_root)


@functools.lru_cache(maxsize=8)
def _find_python(chosen: str, variable: str, folder: str) -> Path | None:
    for text in (chosen, variable):
        if text:
            return Path(text)
    from ..core.client.environment import environment_python

    made = environment_python(Path(folder))
    return made if made.is_file() else None


def register() -> None:
    """End the engine with Blender even when nobody disables the extension."""
    atexit.register(close_engine)


def unregister() -> None:
    """End the engine with the extension."""
    atexit.unregister(close_engine)
    close_engine()
    # the window manager outlives us: a run that ends here must not be "running" when we are enabled again
    stop_runs()
    with contextlib.suppress(AttributeError, ReferenceError):
        run_state(bpy.context).running = False
