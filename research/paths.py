# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the laboratory finds its data and keeps what it makes."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
DATA_ROOT = ROOT.parent / "shared" / "data"
# environments with one Blender each, as `make setup` puts them up; the engine's is one of them
BLENDER_ENVIRONMENTS = (".venv-bpy42", ".venv", ".venv-bpy50", ".venv-bpy52")
