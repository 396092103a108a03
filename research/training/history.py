# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights that shipped once and are where a later training begins: out of the repository's history."""

from __future__ import annotations

import subprocess
from pathlib import Path

from research.paths import BUILD, ROOT


def shipped_at(commit: str, file: str) -> Path:
    """``vendor_models/file`` as it was in ``commit``, kept under build/history."""
    path = BUILD / "history" / commit / file
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        shown = ["git", "show", f"{commit}:vendor_models/{file}"]
        path.write_bytes(subprocess.run(shown, cwd=ROOT, check=True, capture_output=True).stdout)
    return path
