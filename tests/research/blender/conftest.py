# SPDX-License-Identifier: GPL-3.0-or-later
"""The laboratory's tests in a real bpy: as the product's."""

from __future__ import annotations

from tests.blender.conftest import empty_file, pytest_sessionfinish, pytest_unconfigure

__all__ = ["empty_file", "pytest_sessionfinish", "pytest_unconfigure"]
