# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the laboratory finds its data and keeps what it makes."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
# laid out like ../shared/data
DATA_VARIABLE = "MIMESH_DATA"
DATA_ROOT = Path(os.environ.get(DATA_VARIABLE) or ROOT.parent / "shared" / "data")
# environments with one Blender each, as `make setup` puts them up; the engine's is one of them
BLENDER_ENVIRONMENTS = (".venv-bpy42", ".venv", ".venv-bpy50", ".venv-bpy52")
