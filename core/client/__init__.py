# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts, watches and sets up the engine, in Blender's process: standard library and numpy, neither bpy nor torch."""
