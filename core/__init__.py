# SPDX-License-Identifier: GPL-3.0-or-later
"""Mimesh's core: everything but the user interface. Imports neither bpy (except ``core.blender``) nor torch."""
