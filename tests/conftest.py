# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared fixtures: where the real data is (when it is), and small media files made on the spot."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real recordings; tests that need them are skipped where they are absent."""
    if not SHARED.is_dir():
        pytest.skip("../shared/data is not on this machine")
    return SHARED
