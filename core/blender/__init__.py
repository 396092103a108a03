# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes Blender data, in Blender's process: the only room of core that may import bpy."""
