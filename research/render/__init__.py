# SPDX-License-Identifier: GPL-3.0-or-later
"""Films and contact sheets of results, for developers: runs in Blender, may import bpy and core."""
