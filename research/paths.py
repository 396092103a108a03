# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the laboratory finds its data and keeps what it makes."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
DATA_ROOT = ROOT.parent / "shared" / "data"
