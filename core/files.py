# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole or absent, and names that every system can store. Standard library only."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

# characters in the name of a saved style
NAME_LIMIT = 60
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
