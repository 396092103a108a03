# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared fixtures: where the real data is (when it is), and small media files made on the spot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# before any test imports torch: threads that wait must not spin, or a busy machine makes seconds into minutes
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real recordings; tests that need them are skipped where they are absent."""
    if not SHARED.is_dir():
        pytest.skip("../shared/data is not on this machine")
    return SHARED
