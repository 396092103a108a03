# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds, checks and makes the Python that the engine runs in. Standard library only; never changes Blender's own.

Looking costs one short child process; nothing here runs at import. Making an environment downloads packages
and is refused unless online access was granted.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import EngineSetupError
from ..exchange.packages import PYTHON_HIGH, PYTHON_LOW, REQUIREMENTS, problems_with
from .transport import engine_environment, quiet_process_flags

PYTHON_VARIABLE = "MIMESH_ENGINE_PYTHON"
REQUIREMENTS_FILE = Path(__file__).resolve().parent.parent / "engine" / "requirements.txt"
# installed on its own: its metadata names packages that tracking never imports
TRACKER_REQUIREMENT = "mediapipe==0.10.21"
# Linux only, and only for torch: PyPI's build for Linux brings gigabytes of CUDA libraries
_CPU_TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
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
print(json.dumps({"python": list(sys.version_info[:3]), "versions": versions}))
"""
Tell = Callable[[str], None]


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
    """Where the interpreter of the virtual environment in ``folder`` is (or would be)."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


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


def inspect_python(python: Path) -> EnvironmentReport:
    """Ask a Python for its version and packages, importing none. Raises EngineSetupError if it does not run."""
    names = [requirement.name for requirement in REQUIREMENTS]
    # -I: neither the user's site nor the present folder may pretend to be the environment
    text = _output_of([str(python), "-I", "-c", _LOOK_SCRIPT, *names], python)
    try:
        found = json.loads(text.splitlines()[-1])
        version, packages = tuple(found["python"]), found["versions"]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise EngineSetupError(f"The program {python} is no Python.", "Choose another Python.") from error
    return EnvironmentReport(Path(python), version, packages, tuple(problems_with(packages, version)))


def find_base_python() -> Path:
    """A Python that an environment can be made from: the running one if it fits, else one on the PATH."""
    candidates = [sys.executable, *(shutil.which(f"python3.{minor}") or "" for minor in (11, 12))]
    for python in filter(None, candidates):
        try:
            version = inspect_python(Path(python)).version
        except EngineSetupError:
            continue
        if PYTHON_LOW <= version[:2] < PYTHON_HIGH:
            return Path(python)
    raise EngineSetupError(
        f"The face tracker needs Python 3.11 or 3.12; this is {sys.version_info[0]}.{sys.version_info[1]} "
        "and no other was found.",
        "Install Python 3.11 and name it as the engine's Python.",
    )


def create_environment(folder: Path, online: bool, tell: Tell, base_python: Path | None = None) -> Path:
    """Make a virtual environment with the pinned packages in ``folder`` and return its Python.

    ``tell`` gets a line at a time and may raise to cancel. What a failed or cancelled attempt leaves is removed.
    """
    if not online:
        raise EngineSetupError(
            "Setting up the engine downloads packages, and online access is off.",
            "Allow online access in the preferences, or choose a Python that has the packages.",
        )
    base = base_python or find_base_python()
    if folder.exists() and not (folder / "pyvenv.cfg").is_file():
        raise EngineSetupError(f"The folder {folder} holds something else.", "Choose another folder or empty it.")
    python = environment_python(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for title, command in _setup_commands(base, folder, python):
            tell(title)
            _run(command, tell)
        tell("Checking")
        inspect_python(python).require_usable()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    tell("The engine is ready.")
    return python


def _setup_commands(base: Path, folder: Path, python: Path) -> Iterator[tuple[str, list[str]]]:
    install = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    yield f"Making an environment with {base}", [str(base), "-m", "venv", "--clear", str(folder)]
    if sys.platform == "linux":
        # one retry: without that index, PyPI's build serves as well
        index = ["--no-deps", "--retries", "1", "--extra-index-url", _CPU_TORCH_INDEX]
        yield "Installing PyTorch", [*install, *index, _torch_requirement()]
    yield "Installing packages", [*install, "-r", str(REQUIREMENTS_FILE)]
    yield "Installing the face tracker", [*install, "--no-deps", TRACKER_REQUIREMENT]


def _torch_requirement() -> str:
    lines = REQUIREMENTS_FILE.read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("torch=="))


def _run(command: list[str], tell: Tell) -> None:
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=_plain_environment(),
            creationflags=quiet_process_flags(),
        )
    except OSError as error:
        raise EngineSetupError(
            f"{command[0]} cannot be started ({error.strerror}).", "Choose another Python."
        ) from error
    last = ""
    assert process.stdout is not None
    try:
        for line in process.stdout:
            last = line.strip() or last
            tell(last)
    except BaseException:
        process.kill()
        raise
    finally:
        process.stdout.close()
        code = process.wait()
    if code != 0:
        raise EngineSetupError(
            f"The engine setup failed ({last[:300]}).", "Check the connection and the disk's space."
        )


def _output_of(command: list[str], python: Path) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LOOK_SECONDS,
            env=_plain_environment(),
            creationflags=quiet_process_flags(),
            check=False,
        )
    except FileNotFoundError as error:
        raise EngineSetupError(
            f"The engine's Python {python} does not exist.", "Choose another Python or run the engine setup."
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineSetupError(f"The engine's Python {python} does not run ({error}).", "Choose another.") from error
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise EngineSetupError(f"The engine's Python {python} does not run ({said[:200]}).", "Choose another.")
    return done.stdout


def _plain_environment() -> dict[str, str]:
    environment = engine_environment(Path())
    del environment["PYTHONPATH"]
    return environment
