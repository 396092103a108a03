# SPDX-License-Identifier: GPL-3.0-or-later
"""What engines leave in the work folder: logs and job folders of callers that crashed. Standard library only."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from pathlib import Path

from ..files import process_lives

# long past any job; the newest logs stay so that a report can be written
_OLD_SECONDS = 24 * 3600.0
_LOGS_KEPT = 4
_LOGS = "engine-*.log"


def new_log(folder: Path) -> Path:
    """A log of one client's own: two Blenders may share the folder."""
    return folder / f"engine-{os.getpid()}-{uuid.uuid4().hex[:6]}.log"


def new_job_folder(folder: Path) -> Path:
    """Where a job of this process will leave its arrays; it is not made yet."""
    return folder / "jobs" / f"{os.getpid()}-{uuid.uuid4().hex[:12]}"


def remove_leftovers(folder: Path) -> None:
    """Remove old job folders and old logs. Whatever cannot be removed stays, without a word.

    A job of a process that lives stays, however old it seems: the clock may have jumped.
    """
    for path in (folder / "jobs").glob("*"):
        if _age_seconds(path) > _OLD_SECONDS and not _owner_lives(path.name):
            shutil.rmtree(path, ignore_errors=True)
    logs = sorted(folder.glob(_LOGS), key=_age_seconds)
    for path in logs[_LOGS_KEPT:]:
        if _age_seconds(path) > _OLD_SECONDS:
            with contextlib.suppress(OSError):
                path.unlink()


def _owner_lives(name: str) -> bool:
    """Whether the process that the folder is called after runs here; on Windows that is not looked at."""
    number = name.partition("-")[0]
    return number.isdecimal() and process_lives(int(number)) is True


def _age_seconds(path: Path) -> float:
    # 0 for what cannot be looked at: it may be another client's, being removed just now
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
