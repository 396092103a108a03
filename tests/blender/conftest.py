# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests in a real bpy: a user folder of their own, and an empty file before each test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest

# bpy reads it once, at import; without it tests would write into the user's own Blender folder
os.environ.setdefault("BLENDER_USER_RESOURCES", tempfile.mkdtemp(prefix="mimesh-bpy-"))

bpy = pytest.importorskip("bpy", reason="no bpy in this Python")


@pytest.fixture(autouse=True)
def empty_file() -> Iterator[None]:
    """A fresh, empty Blender file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    yield
