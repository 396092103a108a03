# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks, in the engine's process: torch, never bpy; tests/unit/test_imports.py holds who may import whom."""
