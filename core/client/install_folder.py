# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's folder while it is being set up: whose it is, one attempt at a time, and taking things away."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import EngineSetupError
from .environment import CURRENT_FILE
from .setup_failure import setup_failure

LOG_FILE = "setup.log"
_LOCK = "setup.lock"
_TRASH = "trash-"
# another Blender's attempt is alive while it refreshes its lock
_LOCK_SECONDS = 60.0


def require_our_folder(folder: Path) -> None:
    """Refuse a folder that holds something else, or that cannot be written. Raises EngineSetupError."""
    try:
        names = [path.name for path in folder.iterdir()] if folder.exists() else []
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{uuid.uuid4().hex[:8]}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise EngineSetupError(
            f"The engine's folder {folder} cannot be written ({error.strerror or error}).",
            "Choose another Engine Folder in the preferences.",
        ) from error
    ours = any(name in (CURRENT_FILE, _LOCK, "pyvenv.cfg", LOG_FILE) for name in names)
    strangers = [name for name in names if not (name.isdigit() or name.startswith((_TRASH, ".")))]
    if strangers and not ours:
        raise EngineSetupError(f"The folder {folder} holds something else.", "Choose another folder or empty it.")


def remove(path: Path) -> None:
    """Out of the way at once; the deleting takes seconds and goes on in a thread.

    What another Blender still runs stays on Windows, until the next set-up.
    """
    trash = path.with_name(f"{_TRASH}{uuid.uuid4().hex[:8]}")
    with contextlib.suppress(OSError):
        path.rename(trash)
        _delete([trash])


@contextlib.contextmanager
def temporary(folder: Path) -> Iterator[Path]:
    """A folder for what the installers only need meanwhile."""
    # by that name the next set-up removes it, should this one be killed
    room = folder / f"{_TRASH}{uuid.uuid4().hex[:8]}"
    try:
        room.mkdir()
        yield room
    finally:
        _delete([room])


@contextlib.contextmanager
def removed_on_failure(target: Path) -> Iterator[None]:
    """Removes ``target`` when its making fails or is cancelled."""
    try:
        yield
    except OSError as error:
        remove(target)
        raise setup_failure([str(error)], target, target) from error
    except BaseException:
        remove(target)
        raise


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[Callable[[], None]]:
    """Refuses a second attempt at the same time; yields what keeps this one's lock fresh."""
    lock = folder / _LOCK
    try:
        if lock.exists() and _silent_seconds(lock) > _LOCK_SECONDS:
            lock.unlink()
        lock.open("x").close()
    except FileExistsError as error:
        raise EngineSetupError(
            f"The engine is being set up in {folder} already.", "Wait for it, or try again in a minute."
        ) from error
    refreshed = time.monotonic()

    def refresh() -> None:
        nonlocal refreshed
        if time.monotonic() - refreshed > _LOCK_SECONDS / 10:
            refreshed = time.monotonic()
            with contextlib.suppress(OSError):
                os.utime(lock)

    try:
        with contextlib.suppress(OSError):
            (folder / LOG_FILE).unlink(missing_ok=True)
        _delete(list(folder.glob(f"{_TRASH}*")))
        yield refresh
    finally:
        lock.unlink(missing_ok=True)


def _silent_seconds(lock: Path) -> float:
    """Since the lock was refreshed; a time in the future is a clock that was set back, and nobody's."""
    age = time.time() - lock.stat().st_mtime
    return age if age > -_LOCK_SECONDS else _LOCK_SECONDS + 1.0


def _delete(paths: list[Path]) -> None:
    """In a thread of its own: nobody waits for thousands of files."""

    def run() -> None:
        for path in paths:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    path.unlink()

    if paths:
        threading.Thread(target=run, name="mimesh-delete", daemon=True).start()
