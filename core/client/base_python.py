# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a Python that the engine's environment can be made from. Standard library only.

Blender's own nearly always serves. Where it does not, a Blender that was started from a desktop knows few folders:
so the standard places of each system are looked at beside the PATH.
"""

from __future__ import annotations

import glob
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import EngineSetupError
from ..exchange.packages import PYTHON_HIGH, PYTHON_LOW
from .environment import inspect_python

# newest last: the oldest that fits has had the most use
_MINORS = tuple(range(PYTHON_LOW[1], PYTHON_HIGH[1]))


def base_pythons(tick: Callable[[], None] = lambda: None) -> Iterator[Path]:
    """Every Python that fits, likeliest first. Raises EngineSetupError naming what was looked at where none does."""
    seen: list[str] = []
    given: set[Path] = set()
    for command in candidates():
        try:
            report = inspect_python(Path(command[0]), command[1:], tick)
        except EngineSetupError:
            continue
        if not PYTHON_LOW <= report.version[:2] < PYTHON_HIGH:
            seen.append(f"{' '.join(command)} ({'.'.join(map(str, report.version))})")
        elif report.python not in given:
            given.add(report.python)
            yield report.python
    if given:
        return
    looked = f"; found were {', '.join(dict.fromkeys(seen))}" if seen else ""
    raise EngineSetupError(
        f"No Python from 3.{_MINORS[0]} to 3.{_MINORS[-1]} was found{looked}.",
        "Install one from python.org, or name one as the engine's Python in the preferences.",
    )


def candidates(platform: str = sys.platform) -> Iterator[list[str]]:
    """Commands that may start a fitting Python, likeliest first; each program exists."""
    yield [sys.executable]
    if platform == "win32" and (launcher := shutil.which("py")):
        yield from ([launcher, f"-3.{minor}"] for minor in _MINORS)
    for name in (*(f"python3.{minor}" for minor in _MINORS), "python3", "python"):
        program = shutil.which(name)
        # the Microsoft Store's stand-in opens a shop instead of running
        if program and "WindowsApps" not in program:
            yield [program]
    for pattern in standard_places(platform):
        found = sorted(glob.glob(pattern))  # noqa: PTH207 (a pattern from the root)
        yield from ([path] for path in found if os.access(path, os.X_OK))


def standard_places(platform: str, home: Path | None = None) -> tuple[str, ...]:
    """Patterns of interpreters outside a desktop program's PATH: Homebrew, python.org, pyenv, uv."""
    home = home or Path.home()
    minors = "3.1[1-4]"
    if platform == "win32":
        local = os.environ.get("LOCALAPPDATA", str(home / "AppData" / "Local"))
        return (
            rf"{local}\Programs\Python\Python31[1-4]\python.exe",
            r"C:\Program Files\Python31[1-4]\python.exe",
            rf"{home}\.pyenv\pyenv-win\versions\{minors}.*\python.exe",
            rf"{home}\AppData\Roaming\uv\python\cpython-{minors}.*\python.exe",
        )
    uv = f"{home}/.local/share/uv/python/cpython-{minors}.*/bin/python3"
    own = (f"{home}/.pyenv/versions/{minors}.*/bin/python3", uv)
    if platform == "darwin":
        return (
            f"/opt/homebrew/bin/python{minors}",
            f"/usr/local/bin/python{minors}",
            f"/Library/Frameworks/Python.framework/Versions/{minors}/bin/python3",
            *own,
        )
    return (f"/usr/bin/python{minors}", f"/usr/local/bin/python{minors}", f"/opt/python{minors}/bin/python3", *own)
