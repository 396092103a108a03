# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialogue sheet in Blender: its lines in the scene, what is stale, and the pass that makes it right again."""
