# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches the wheels that the engine needs on one system and Python, which need not be this one's.

pip resolves for the Python that it runs in; so what a package asks for is read out of its own metadata here, with the
markers of the target, and each wheel is fetched by itself.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from core.client.install import FACE_MODEL_FILE, FACE_MODEL_SHA256, FACE_MODEL_URL  # noqa: E402
from core.client.setup_plan import CLASSIC_TRACKER, REQUIREMENTS_FILE, TASKS_FILE, TASKS_TRACKER  # noqa: E402
from core.weights import file_hash  # noqa: E402

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
# Blender has its own, and one beside it would take its place for everybody
OF_BLENDER = {"numpy"}
_SYSTEMS = {
    "linux-x64": ("linux", "Linux", "posix", "x86_64"),
    "windows-x64": ("win32", "Windows", "nt", "AMD64"),
    "macos-arm64": ("darwin", "Darwin", "posix", "arm64"),
}
_TAGS = {
    "linux-x64": ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "windows-x64": ("win_amd64",),
    "macos-arm64": (*(f"macosx_{version}_0_arm64" for version in (14, 13, 12, 11)), "macosx_10_13_universal2"),
}
# the Pythons of Blender 4.2 to 5.0 and of 5.1 and later
_BLENDERS = {"3.11": ("4.2.0", "5.1.0"), "3.13": ("5.1.0", "")}


@dataclass(frozen=True, slots=True)
class Target:
    """A system as Blender calls it, and the Python of its Blender."""

    system: str
    python: str

    @classmethod
    def parse(cls, text: str) -> Target:
        """``linux-x64-3.11``."""
        system, _, python = text.rpartition("-")
        if system not in _SYSTEMS or python not in _BLENDERS:
            raise SystemExit(f"{text} is no target; there are: {', '.join(map(str, targets()))}")
        return cls(system, python)

    def __str__(self) -> str:
        return f"{self.system}-{self.python}"

    @property
    def blenders(self) -> tuple[str, str]:
        """The first Blender that it is for, and the first that it is not for (empty: none known)."""
        return _BLENDERS[self.python]

    @property
    def classic_tracker(self) -> bool:
        """Whether the tracker brings its networks along."""
        return self.python == "3.11"

    def markers(self) -> dict[str, str]:
        """What a requirement's conditions are held against."""
        sys_platform, platform_system, os_name, machine = _SYSTEMS[self.system]
        return {
            "sys_platform": sys_platform,
            "platform_system": platform_system,
            "os_name": os_name,
            "platform_machine": machine,
            "python_version": self.python,
            "python_full_version": f"{self.python}.9",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
            "extra": "",
        }

    def wanted(self, requirements: list[str]) -> Iterator[Requirement]:
        """Those whose conditions hold here."""
        for line in requirements:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate(self.markers()):
                yield requirement


def targets() -> list[Target]:
    """Every one that there is a zip for."""
    return [Target(system, python) for python in _BLENDERS for system in _SYSTEMS]


def fetch_wheels(target: Target, folder: Path, face_model: Path | None = None) -> list[Path]:
    """Fill ``folder``; what lies there already is not fetched again. Gives every file."""
    folder.mkdir(parents=True, exist_ok=True)
    left = list(target.wanted(_pinned(target)))
    while left:
        # what is pinned comes first: others ask for any release of it
        requirement = left.pop(0)
        if canonicalize_name(requirement.name) in OF_BLENDER:
            continue
        if _present(folder, requirement.name) is None:
            _download(target, folder, requirement)
            wheel = _present(folder, requirement.name)
            assert wheel is not None, requirement
            left += target.wanted(asked_for(wheel))
    tracker = Requirement(CLASSIC_TRACKER if target.classic_tracker else TASKS_TRACKER)
    if _present(folder, tracker.name) is None:
        # without what its metadata names: tracking never imports it
        _download(target, folder, tracker)
    if not target.classic_tracker:
        _put_face_model(folder / FACE_MODEL_FILE.name, face_model)
    return sorted(path for path in folder.iterdir() if path.is_file())


def asked_for(wheel: Path) -> list[str]:
    """Requirements in a wheel's own metadata."""
    return metadata(wheel).get_all("Requires-Dist") or []


def metadata(wheel: Path) -> Message:
    """The fields of METADATA."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return BytesParser().parsebytes(archive.read(name))


def _pinned(target: Target) -> list[str]:
    files = [REQUIREMENTS_FILE] if target.classic_tracker else [REQUIREMENTS_FILE, TASKS_FILE]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    pinned = [line for line in lines if line.strip() and not line.startswith("#")]
    if target.system == "linux-x64":
        # PyPI's own build for Linux is the one for CUDA, ten times as large
        pinned = [line.replace(";", "+cpu;", 1) if line.startswith("torch==") else line for line in pinned]
    return pinned


def _present(folder: Path, name: str) -> Path | None:
    wanted = canonicalize_name(name)
    return next((path for path in folder.glob("*.whl") if canonicalize_name(path.name.split("-")[0]) == wanted), None)


def _download(target: Target, folder: Path, requirement: Requirement) -> None:
    bare = f"{requirement.name}{requirement.specifier}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--dest", str(folder), "--implementation", "cp", "--python-version", target.python]
    for tag in _TAGS[target.system]:
        command += ["--platform", tag]
    if "+cpu" in bare:
        command += ["--extra-index-url", CPU_INDEX, "--retries", "1"]
    done = subprocess.run([*command, bare], capture_output=True, text=True, check=False)
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if line.startswith("ERROR")][-1:]
        raise SystemExit(f"{target}: {bare} cannot be fetched. {' '.join(last)}")


def _put_face_model(path: Path, given: Path | None) -> None:
    """The tracker's networks, whose checksum is known."""
    if not path.is_file():
        if given is None:
            fetch = ROOT / "core" / "client" / "fetch_file.py"
            done = subprocess.run([sys.executable, "-I", str(fetch), FACE_MODEL_URL, str(path)], check=False)
            if done.returncode:
                raise SystemExit(f"{path.name} cannot be fetched from {FACE_MODEL_URL}; name your copy: --face-model")
        else:
            shutil.copyfile(given, path)
    if file_hash(path) != FACE_MODEL_SHA256:
        path.unlink()
        raise SystemExit(f"{given or FACE_MODEL_URL} is not the published face model (SHA-256 {FACE_MODEL_SHA256}).")
