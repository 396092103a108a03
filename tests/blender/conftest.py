# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests in a real bpy: a user folder of their own, and an empty file before each test."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# bpy reads it once, at import; without it tests would write into the user's own Blender folder, and processes of one
# run (pytest-xdist) into each other's
if "BLENDER_USER_RESOURCES" not in os.environ or "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="mimesh-bpy-")

bpy = pytest.importorskip("bpy", reason="no bpy in this Python")


@pytest.fixture(autouse=True)
def empty_file() -> Iterator[None]:
    """A fresh, empty Blender file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    yield


@pytest.fixture
def extension() -> Iterator[None]:
    """The checkout, enabled as an extension."""
    from tests.blender.fake_engine import disable_checkout, enable_checkout

    enable_checkout()
    yield
    disable_checkout()


@pytest.fixture
def ready(extension: None, tmp_path: Path) -> Any:
    """The demo head, a speech file, no reference: one click away from keys; gives the scene's settings."""
    from tests.blender.fake_engine import one_click_away

    return one_click_away(tmp_path)


_exit_status = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember how the run ended."""
    session.config.stash[_exit_status] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave without bpy's own clean-up, which can wait for one of its threads for ever after all tests have passed."""
    if _exit_status in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_exit_status])
