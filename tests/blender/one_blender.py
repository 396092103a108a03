# SPDX-License-Identifier: GPL-3.0-or-later
"""For tests of half a minute about what lies in the engine, which is one and the same for every Blender."""

from __future__ import annotations

import bpy
import pytest

IN_ONE_BLENDER = pytest.mark.skipif(bpy.app.version[:2] != (4, 5), reason="the same in every Blender; tried in 4.5")
