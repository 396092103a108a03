# SPDX-License-Identifier: GPL-3.0-or-later
"""What setting up the engine would do here: which packages, from where, how much, into which folder.

Everything that can be refused is refused here, before anything is downloaded. Standard library only.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import EngineSetupError
from .graphics_card import card_obstacle

TorchBuild = Literal["cpu", "cuda"]
ENGINE_FOLDER = Path(__file__).resolve().parent.parent / "engine"
REQUIREMENTS_FILE = ENGINE_FOLDER / "requirements.txt"
TASKS_FILE = ENGINE_FOLDER / "requirements_tasks.txt"
# packages that came with the extension, which Blender unpacks: `make extension-complete` puts them there
BUNDLED_WHEELS = ENGINE_FOLDER.parent.parent / "wheels"
# installed on their own: their metadata names packages that tracking never imports
CLASSIC_TRACKER = "mediapipe==0.10.21"
TASKS_TRACKER = "mediapipe==1.2.3"
# classic wheels end with Python 3.12
_FIRST_WITHOUT_CLASSIC = (3, 13)
# the installer of a fresh environment is old, and before 24.1 it tells no bytes
_PIP = "pip>=25.1"
_TORCH_INDEX = {"cpu": "https://download.pytorch.org/whl/cpu", "cuda": "https://download.pytorch.org/whl/cu130"}
# measured with the pinned versions: megabytes to download and on the disk
_MEGABYTES: dict[tuple[str, TorchBuild], tuple[int, int]] = {
    ("linux", "cpu"): (310, 1200),
    ("linux", "cuda"): (2300, 5400),
    ("win32", "cpu"): (320, 1100),
    ("win32", "cuda"): (2800, 6500),
    ("darwin", "cpu"): (270, 900),
}
# an environment that holds nothing but the way to its packages, and the face tracker's networks
_LINKED_MEGABYTES = 20
# Windows: the longest path in any pinned package, below site-packages
_LONGEST_MEMBER = 119
_WINDOWS_LIMIT = 259


@dataclass(frozen=True, slots=True)
class SetupChoice:
    """What the user decides.

    source: a folder of wheels, or the address of an index; empty is PyPI. face_model: a face_landmarker.task of
    the user's own, for releases of the tracker that come without. base_python: None lets one be found. packages:
    folders in which everything lies unpacked, for this very Python: nothing is installed then.
    """

    torch: TorchBuild = "cpu"
    source: str = ""
    face_model: str = ""
    base_python: Path | None = None
    packages: tuple[Path, ...] = ()

    @property
    def wheels(self) -> Path | None:
        """The folder of wheels, if the source is one."""
        return Path(self.source) if self.source and "://" not in self.source else None


@dataclass(frozen=True, slots=True)
class Command:
    """One program of the set-up. needed: without it the set-up goes on, where nothing but a release is missing."""

    stage: str
    line: list[str]
    needed: bool = True


@dataclass(frozen=True, slots=True)
class SetupPlan:
    """The environment to build in ``target`` with ``base``, whose version is ``version``."""

    choice: SetupChoice
    base: Path
    version: tuple[int, ...]
    target: Path
    uv: str = ""

    @property
    def tasks_tracker(self) -> bool:
        """Whether the tracker is the release that reads a model file."""
        # native code of the classic tracker opens its graphs by name, which fails for such names on Windows
        awkward = sys.platform == "win32" and not str(self.target).isascii()
        return self.version[:2] >= _FIRST_WITHOUT_CLASSIC or awkward

    @property
    def site_packages(self) -> Path:
        """Where the environment's Python looks for packages."""
        if sys.platform == "win32":
            return self.target / "Lib" / "site-packages"
        return self.target / "lib" / f"python{self.version[0]}.{self.version[1]}" / "site-packages"

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.target / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

    def megabytes(self) -> tuple[int, int]:
        """To download, and on the disk."""
        return (0, _LINKED_MEGABYTES) if self.choice.packages else expected_megabytes(self.choice.torch)

    def environment(self) -> Command:
        """Makes the environment, without any package."""
        if self.uv:
            return Command("Making an environment", [self.uv, "venv", "--python", str(self.base), str(self.target)])
        bare = ["--without-pip"] if self.choice.packages else []
        return Command("Making an environment", [str(self.base), "-I", "-m", "venv", *bare, str(self.target)])

    def installs(self) -> Generator[Command, bool, None]:
        """The commands after that; each is to be answered with whether it succeeded."""
        if self.choice.packages:
            return
        # from a folder nothing is downloaded, and pip stays as old as the Python brings it
        raw = False
        if not self.uv and self.choice.wheels is None:
            # a studio's index may have no pip
            raw = yield Command("Preparing the installer", [*self._install(), "--upgrade", _PIP], needed=False)
        install = self._install(raw)
        yield Command("Installing PyTorch", [*install, *self._torch_index(), torch_requirement()])
        yield Command("Installing packages", [*install, "-r", str(REQUIREMENTS_FILE)])
        if self.tasks_tracker:
            yield Command("Installing the face tracker", [*install, "-r", str(TASKS_FILE)])
        tracker = TASKS_TRACKER if self.tasks_tracker else CLASSIC_TRACKER
        yield Command("Installing the face tracker", [*install, "--no-deps", tracker])

    def _install(self, raw: bool = False) -> list[str]:
        if self.uv:
            install = [self.uv, "pip", "install", "--python", str(self.python)]
        else:
            install = [str(self.python), "-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
            # two retries: a server that is away is told within a minute
            install += ["--retries", "2", "--timeout", "30"]
            install += ["--progress-bar", "raw"] if raw else []
        if self.choice.wheels is not None:
            return [*install, "--no-index", "--find-links", str(self.choice.wheels)]
        return [*install, "--index-url", self.choice.source] if self.choice.source else install

    def _torch_index(self) -> list[str]:
        if self.choice.source or _built_by_pypi(self.choice.torch):
            return []
        index = ["--extra-index-url", _TORCH_INDEX[self.choice.torch]]
        # without that index, PyPI's build serves as well: one retry
        return index if self.uv else ["--retries", "1", *index]


def expected_megabytes(torch: TorchBuild, platform: str = sys.platform) -> tuple[int, int]:
    """To download, and on the disk; for the question that is asked before."""
    return _MEGABYTES.get((platform, torch), _MEGABYTES["linux", torch])


def comes_complete() -> bool:
    """Whether this extension brought the engine's packages along; the small one downloads them."""
    return any(BUNDLED_WHEELS.glob("torch-*.whl"))


def wheels_python(folder: Path) -> tuple[int, int] | None:
    """The Python that a folder of wheels is for, as PyTorch's own says; None where it is for several or none."""
    found = {match.groups() for path in folder.glob("torch-*.whl") if (match := re.search(r"-cp3(\d+)-", path.name))}
    return (3, int(found.pop()[0])) if len(found) == 1 else None


def default_engine_folder(user_folder: Path, platform: str = sys.platform, local: str | None = None) -> Path:
    """In the extension's own folder; on Windows, where that is too deep for the packages, in a shorter one."""
    own = user_folder / "engine"
    if platform != "win32":
        return own
    try:
        require_short_path(own / "9", platform)
    except EngineSetupError:
        local = os.environ.get("LOCALAPPDATA", "") if local is None else local
        return Path(local) / "Mimesh" if local else own
    return own


def torch_requirement() -> str:
    """The pinned line for this system."""
    lines = [line for line in REQUIREMENTS_FILE.read_text(encoding="utf-8").splitlines() if line.startswith("torch==")]
    here = '"win32"' if sys.platform == "win32" else '!= "win32"'
    return next(line for line in lines if here in line)


def require_possible(plan: SetupPlan, online: bool, long_paths: bool | None = None) -> None:
    """Raise :class:`EngineSetupError` for what can be known to fail."""
    choice = plan.choice
    if choice.packages and not any((folder / "torch").is_dir() for folder in choice.packages):
        raise EngineSetupError(
            f"Blender has not unpacked the packages that came with Mimesh into {choice.packages[0]}.",
            "Untick and tick Mimesh in Preferences > Add-ons, or install its zip again.",
        )
    if choice.wheels is not None:
        if not choice.wheels.is_dir():
            raise EngineSetupError(f"The folder of wheels {choice.wheels} does not exist.", "Choose another.")
    elif comes_complete():
        # its manifest asks for no network
        raise EngineSetupError(
            f"This Mimesh brought its packages along and never uses a network, so {choice.source} is not asked.",
            "Leave Package Source empty, name a folder of wheels, or install the smaller Mimesh, which downloads.",
        )
    elif not online:
        raise EngineSetupError(
            "Setting up the engine downloads packages, and online access is off.",
            "Allow online access in the preferences, or choose a folder of wheels.",
        )
    if choice.face_model and not Path(choice.face_model).is_file():
        raise EngineSetupError(f"The face model {choice.face_model} does not exist.", "Choose another file.")
    if choice.torch == "cuda" and (obstacle := card_obstacle()):
        raise EngineSetupError(
            f"PyTorch for NVIDIA cards would not run here: {obstacle}.",
            "Set up for the processor, or update the card's driver if that is what is too old.",
        )
    require_short_path(plan.target, long_paths=long_paths)
    _require_space(plan)


def require_fitting_python(plan: SetupPlan) -> None:
    """Raise :class:`EngineSetupError` where a folder of wheels is for another Python than the plan's."""
    wheels = plan.choice.wheels
    fits = None if wheels is None else wheels_python(wheels)
    if fits is not None and plan.version[:2] != fits:
        raise EngineSetupError(
            f"The packages in {wheels} are for Python 3.{fits[1]}, and {plan.base} is Python "
            f"{plan.version[0]}.{plan.version[1]}.",
            f"Take those for this Python, or install a Python 3.{fits[1]}, which is found on the PATH.",
        )


def require_short_path(target: Path, platform: str = sys.platform, long_paths: bool | None = None) -> None:
    """On Windows, refuse a folder in which a package's longest path would not fit."""
    if platform != "win32" or (_windows_long_paths() if long_paths is None else long_paths):
        return
    longest = len(str(target)) + len("\\Lib\\site-packages\\") + _LONGEST_MEMBER
    if longest > _WINDOWS_LIMIT:
        raise EngineSetupError(
            f"The engine's packages would have paths of {longest} characters under {target}; "
            f"Windows allows {_WINDOWS_LIMIT}.",
            f"Choose an Engine Folder that is {longest - _WINDOWS_LIMIT} characters shorter in the preferences, "
            "for example C:\\Mimesh.",
        )


def _require_space(plan: SetupPlan) -> None:
    folder = next(path for path in (plan.target, *plan.target.parents) if path.exists())
    free, needed = shutil.disk_usage(folder).free / 1e6, plan.megabytes()[1]
    if free < needed:
        raise EngineSetupError(
            f"The disk of {folder} has {free:.0f} MB left; the engine needs {needed} MB.",
            "Make room, or choose another Engine Folder in the preferences.",
        )


def _built_by_pypi(torch: TorchBuild) -> bool:
    """PyPI has the CPU build for Windows and macOS, and the CUDA build for Linux."""
    return (sys.platform == "linux") == (torch == "cuda")


def _windows_long_paths() -> bool:
    if sys.platform != "win32":
        return True
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\FileSystem") as key:
            return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    except OSError:
        return False
