# SPDX-License-Identifier: GPL-3.0-or-later
"""From motion to one mesh's keys and bones, in Blender's process: numpy alone, no bpy."""
