# SPDX-License-Identifier: GPL-3.0-or-later
"""Mimesh: speech and a short reference video in, a character that talks like that person out.

Registration only. Nothing is imported before Blender asks for it, so that tools can import this package
without Blender.
"""

from __future__ import annotations


def register() -> None:
    """Called by Blender when the extension is enabled."""
    from . import operators, panels

    operators.register()
    panels.register()


def unregister() -> None:
    """Called by Blender when the extension is disabled; also ends the engine process."""
    from . import operators, panels

    panels.unregister()
    operators.unregister()
