# SPDX-License-Identifier: GPL-3.0-or-later
"""NVIDIA cards here, and whether the CUDA build of PyTorch would run on them: asked before gigabytes are fetched.

Standard library only; the driver's own program is asked, nothing of it is loaded.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .transport import quiet_process_flags

# CUDA 13.0, for which the pinned PyTorch is built: its release notes, tables of drivers and of removed cards
LOWEST_DRIVER = 580
LOWEST_CAPABILITY = (7, 5)
_ASK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class GraphicsCard:
    """driver: its first number, such as 580. capability: compute capability; None where the driver does not say."""

    name: str
    driver: int
    capability: tuple[int, int] | None

    @property
    def obstacle(self) -> str:
        """Why PyTorch's CUDA build cannot run on it, as a clause; empty where it can."""
        if self.capability is not None and self.capability < LOWEST_CAPABILITY:
            found, needed = (".".join(map(str, pair)) for pair in (self.capability, LOWEST_CAPABILITY))
            return f"the card {self.name} has compute capability {found}, and PyTorch needs {needed} (GeForce 16 on)"
        if self.driver < LOWEST_DRIVER:
            return f"the card {self.name} has driver {self.driver}, and PyTorch needs {LOWEST_DRIVER} or later"
        return ""


def has_nvidia_driver(platform: str = sys.platform) -> bool:
    """Whether an NVIDIA driver is installed, without loading it."""
    if platform == "win32":
        return (_system_folder() / "nvcuda.dll").is_file()
    return platform == "linux" and Path("/proc/driver/nvidia/version").is_file()


def card_obstacle() -> str:
    """Why no card here can run the CUDA build; empty where one can, and where nothing is known about any."""
    obstacles = [card.obstacle for card in find_cards()]
    return "" if "" in obstacles or not obstacles else obstacles[0]


@functools.cache
def find_cards() -> tuple[GraphicsCard, ...]:
    """What the driver's nvidia-smi lists; nothing where there is none, or it does not answer."""
    program = shutil.which("nvidia-smi") or shutil.which("nvidia-smi", path=str(_system_folder()))
    if program is None:
        return ()
    try:
        said = subprocess.run(
            [program, "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ASK_SECONDS,
            creationflags=quiet_process_flags(),
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return cards_in(said)


def cards_in(said: str) -> tuple[GraphicsCard, ...]:
    """The cards of nvidia-smi's lines ``name, driver, capability``; what is no such line is left out."""
    found = []
    for line in said.splitlines():
        # old drivers do not know their capability: "[N/A]"
        with contextlib.suppress(ValueError):
            name, driver, capability = line.rsplit(", ", 2)
            major, _, minor = capability.strip().partition(".")
            number = (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None
            found.append(GraphicsCard(name.strip(), int(driver.split(".")[0]), number))
    return tuple(found)


def _system_folder() -> Path:
    return Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32"
