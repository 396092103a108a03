# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole or absent, and names that every system can store. Standard library only."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
import tempfile
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path

# characters in the name of a saved style
NAME_LIMIT = 60
# what is done under a lock takes milliseconds
_LOCK_SECONDS, _LOCK_TICK_SECONDS = 5.0, 0.02
# what Windows forbids in names, or reads as a device whatever the ending
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that replaces it at the end; nothing is left after an error.

    Raises OSError.
    """
    # short, because a name may be as long as the file system allows
    partial = path.with_name(f".{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def changed_by_one(path: Path) -> Iterator[None]:
    """Whoever reads, changes and writes the same file or folder meanwhile waits, also in other processes.

    The system gives the lock back when a process dies, so there is nothing to clear away. It holds on this computer
    only; where it cannot be had, or not within seconds, the work goes on without.
    """
    name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:24]
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            lock = held.enter_context((Path(tempfile.gettempdir()) / f"mimesh-{name}.lock").open("ab"))
            _wait_for(lock.fileno())
        yield


def _wait_for(descriptor: int) -> None:
    """Lock an open file until it is closed; gives up after a while."""
    deadline = time.monotonic() + _LOCK_SECONDS
    while time.monotonic() < deadline:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except (BlockingIOError, PermissionError):
            time.sleep(_LOCK_TICK_SECONDS)


def file_stem(name: str) -> str:
    """``name`` as a file's name without ending, for Windows, macOS and Linux alike; empty when nothing is left."""
    stem = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", name)).strip().rstrip(". ")
    if stem.startswith("."):
        # such a file is hidden on Linux and macOS
        return f"_{stem[1:]}"
    if device := _DEVICES.fullmatch(stem):
        # Windows looks at what stands before the first dot
        return f"{device[1]}_{device[2] or ''}"
    return stem


def process_lives(pid: int) -> bool | None:
    """Whether a process of this machine runs; None where that cannot be told, as on Windows."""
    # os.kill would end a process on Windows, whatever the signal
    if sys.platform == "win32":
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return None
    return True
