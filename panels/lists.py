# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lists of the panels have in common."""

from __future__ import annotations

from typing import Any

import bpy


class Rows:
    """Mixed into a list: Blender hands over more than a row needs."""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: Any | None,
        item: Any,
        icon: int | None,
        active_data: Any,
        active_property: str | None,
        index: int | None,
        flt_flag: int | None,
    ) -> None:
        """One row."""
        self.draw_row(context, layout, item)

    def draw_row(self, context: bpy.types.Context, layout: bpy.types.UILayout, item: Any) -> None:
        """The row of ``item``."""
        raise NotImplementedError
