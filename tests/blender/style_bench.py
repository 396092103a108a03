# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkout with a style library of its own, for tests of what is done with saved styles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from tests.blender.fake_engine import EXTENSION, disable_checkout, enable_checkout, part


@contextmanager
def enabled_with_library(folder: Path) -> Iterator[Any]:
    """The checkout, enabled, with an empty library in ``folder``; gives the preferences."""
    enable_checkout()
    preferences = bpy.context.preferences.addons[EXTENSION].preferences
    preferences.style_folder = str(folder)
    part("operators.styles").remember_style(None)
    yield preferences
    preferences.style_folder = ""
    disable_checkout()


def keep(style: Any, name: str) -> None:
    """Save a style as if a run had just left it."""
    part("operators.styles").remember_style(style)
    assert bpy.ops.mimesh.keep_style(name=name) == {"FINISHED"}


def a_style(name: str = "Ada talks", **rest: Any) -> Any:
    """Of ten seconds of ada.mp4; ``rest``: further parts."""
    style = part("core.style.style")
    provenance = style.StyleProvenance("ada.mp4", 0.0, 10.0, 9.0, 0.8, "1" * 64, "basis", ("One cut.",))
    face = np.ones(53, np.float32)
    return style.Style(name, face, 0 * face, np.zeros((9, 3), np.float32), provenance, **rest)


def refused(operator: Any, match: str, **options: Any) -> None:
    """The operator must fail with one sentence."""
    with pytest.raises(RuntimeError, match=match) as caught:
        operator(**options)
    assert "Traceback" not in str(caught.value)
