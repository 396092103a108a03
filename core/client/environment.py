# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds and checks the Python that the engine runs in. Standard library only; never changes Blender's own.

Looking costs one short child process; nothing here runs at import.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import EngineSetupError
from ..exchange.packages import PYTHON_VARIABLE, problems_with, required_names
from .child import ProgramFailedError, run_lines

# beside the environments: the name of the one in use
CURRENT_FILE = "current"
_LOOK_SECONDS = 30.0
# runs in any Python 3.8 or later, so it uses nothing of ours
_LOOK_SCRIPT = """
import importlib.metadata as metadata, json, sys
versions = {}
for name in sys.argv[1:]:
    try:
        versions[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        versions[name] = None
print(json.dumps({"python": list(sys.version_info[:3]), "program": sys.executable, "versions": versions}))
"""


@dataclass(frozen=True, slots=True)
class EnvironmentReport:
    """What one Python offers; usable when ``problems`` is empty."""

    python: Path
    version: tuple[int, ...]
    packages: dict[str, str | None]
    problems: tuple[str, ...]

    @property
    def usable(self) -> bool:
        """The engine can run in it."""
        return not self.problems

    def summary(self) -> str:
        """A line for the Python and one for each package."""
        lines = [f"{self.python}: Python {'.'.join(map(str, self.version))}"]
        lines += [f"  {name} {version or 'missing'}" for name, version in self.packages.items()]
        summary = "The engine can run in it." if self.usable else f"Not usable: {'; '.join(self.problems)}."
        return "\n".join([*lines, summary])

    def require_usable(self) -> None:
        """Raise :class:`EngineSetupError` naming everything that is wrong."""
        if self.problems:
            raise EngineSetupError(
                f"The Python {self.python} cannot run the engine: {'; '.join(self.problems)}.",
                "Run the engine setup, or choose another Python.",
            )


def environment_python(folder: Path) -> Path:
    """The interpreter of the environment in use in ``folder`` (or where one would be)."""
    try:
        name = (folder / CURRENT_FILE).read_text(encoding="utf-8").strip()
    except OSError:
        name = ""
    # without the file: an environment that lies in the folder itself
    used = folder / name if name.isdigit() else folder
    return used / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def find_engine_python(explicit: Path | None = None, folder: Path | None = None) -> Path:
    """The engine's Python: ``explicit``, then $MIMESH_ENGINE_PYTHON, then the environment in ``folder``, then
    the running one. A choice of the user's is checked and refused, never skipped. Raises EngineSetupError.
    """
    variable = os.environ.get(PYTHON_VARIABLE, "")
    chosen = explicit or (Path(variable) if variable else None)
    if chosen is not None:
        inspect_python(chosen).require_usable()
        return chosen
    made = environment_python(folder) if folder else None
    problems = []
    for python in filter(None, (made if made and made.is_file() else None, Path(sys.executable))):
        report = inspect_python(python)
        if report.usable:
            return python
        problems.append(f"{python} ({'; '.join(report.problems)})")
    raise EngineSetupError(
        f"No Python that can run the engine was found; looked at {', '.join(problems)}.",
        f"Run the engine setup, or name a Python in {PYTHON_VARIABLE}.",
    )


def inspect_python(
    python: Path, arguments: Sequence[str] = (), tick: Callable[[], None] = lambda: None
) -> EnvironmentReport:
    """Ask a Python for its version and packages, importing none. Raises EngineSetupError if it does not run.

    arguments: of a launcher, such as ``-3.11``; the report then names the interpreter that it started. tick: called
    several times a second; what it raises ends the look.
    """
    # -I: neither the user's site nor the present folder may pretend to be the environment
    command = [str(python), *arguments, "-I", "-c", _LOOK_SCRIPT, *required_names()]
    lines = _output_of(command, python, tick)
    try:
        # warnings may stand around it
        found = json.loads(next(line for line in reversed(lines) if line.startswith("{")))
        version, packages = tuple(found["python"]), found["versions"]
    except (ValueError, KeyError, StopIteration, TypeError) as error:
        raise EngineSetupError(f"The program {python} is no Python.", "Choose another Python.") from error
    program = Path(found["program"]) if arguments else Path(python)
    return EnvironmentReport(program, version, packages, tuple(problems_with(packages, version)))


def _output_of(command: list[str], python: Path, tick: Callable[[], None]) -> list[str]:
    deadline = time.monotonic() + _LOOK_SECONDS

    def in_time() -> None:
        tick()
        if time.monotonic() > deadline:
            raise EngineSetupError(
                f"The engine's Python {python} does not run (no answer within {_LOOK_SECONDS:.0f} s).",
                "Choose another.",
            )

    try:
        return list(run_lines(command, None, in_time))
    except ProgramFailedError as error:
        said = (error.said or ["it said nothing"])[-1]
        raise EngineSetupError(
            f"The engine's Python {python} does not run ({said[:200]}).", "Choose another."
        ) from error
