# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages the engine's Python needs, and whether it has them. Standard library only.

Versions are read from the packages' metadata; nothing is imported, so it takes milliseconds.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
from dataclasses import dataclass

Version = tuple[int, ...]
# environment variable that names the engine's Python
PYTHON_VARIABLE = "MIMESH_ENGINE_PYTHON"


@dataclass(frozen=True, slots=True)
class Requirement:
    """A distribution with the versions that work: at least ``low``, below ``high`` (None: any)."""

    name: str
    low: Version
    high: Version | None = None

    def problem(self, version: str | None) -> str | None:
        """What is wrong with the installed ``version``, as part of a sentence."""
        if version is None:
            return f"{self.name} is missing"
        parsed = parse_version(version)
        if parsed < self.low or (self.high is not None and parsed >= self.high):
            return f"{self.name} is {version}, needed is {self.range_text}"
        return None

    @property
    def range_text(self) -> str:
        """For people: ``0.10.9 or later, below 0.10.22``."""
        text = f"{_text(self.low)} or later"
        return text if self.high is None else f"{text}, below {_text(self.high)}"


REQUIREMENTS = (
    Requirement("numpy", (1, 24)),
    Requirement("torch", (2, 4)),
    Requirement("av", (14,)),
    Requirement("mediapipe", (0, 10, 9)),
    Requirement("absl-py", (1,)),
    Requirement("flatbuffers", (2,)),
)
# up to 0.10.21 the tracker's networks lie in the package, whose generated code needs protobuf 4
FIRST_TASKS_ONLY: Version = (0, 10, 22)
CLASSIC_REQUIREMENTS = (Requirement("attrs", (20,)), Requirement("protobuf", (4, 25), (5,)))
TASKS_REQUIREMENTS = (Requirement("certifi", (2020,)), Requirement("matplotlib", (3,)))
PYTHON_LOW: Version = (3, 11)
PYTHON_HIGH: Version = (3, 15)


def parse_version(text: str) -> Version:
    """The leading numbers of a version: ``2.13.0+cpu`` gives (2, 13, 0)."""
    match = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in match.group().split(".")) if match else (0,)


def installed_versions() -> dict[str, str | None]:
    """Version of each required distribution in this Python, None where it is missing."""
    return {name: _installed_version(name) for name in required_names()}


def required_names() -> list[str]:
    """Every distribution that is looked for."""
    return [requirement.name for requirement in (*REQUIREMENTS, *CLASSIC_REQUIREMENTS, *TASKS_REQUIREMENTS)]


def has_classic_tracker(version: str | None) -> bool:
    """Whether this release of mediapipe brings its networks along."""
    return version is not None and parse_version(version) < FIRST_TASKS_ONLY


def problems_with(versions: dict[str, str | None], python: Version = sys.version_info[:3]) -> list[str]:
    """Everything that keeps the engine from running, as parts of a sentence; empty when all fits."""
    problems = []
    if not PYTHON_LOW <= python[:2] < PYTHON_HIGH:
        problems.append(f"it is Python {_text(python)}, needed is {_text(PYTHON_LOW)} to 3.{PYTHON_HIGH[1] - 1}")
    classic = has_classic_tracker(versions.get("mediapipe"))
    for requirement in (*REQUIREMENTS, *(CLASSIC_REQUIREMENTS if classic else TASKS_REQUIREMENTS)):
        problem = requirement.problem(versions.get(requirement.name))
        if problem is not None:
            problems.append(problem)
    return problems


def _installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _text(version: Version) -> str:
    return ".".join(str(part) for part in version)
