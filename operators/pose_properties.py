# SPDX-License-Identifier: GPL-3.0-or-later
"""How the head moves beside its amount: the choices behind the Head Motion panel, one set per scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..core.settings import HeadSettings
from .setting_properties import declare
from .stubs import classes_factory


class MimeshPose(bpy.types.PropertyGroup):
    """Those of :class:`core.settings.HeadSettings` that lie in ``scene.mimesh.pose``."""

    __annotations__: dict[str, Any] = {}

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


declare(MimeshPose, HeadSettings.place, [HeadSettings])
register, unregister = classes_factory((MimeshPose,))
