# SPDX-License-Identifier: GPL-3.0-or-later
"""Mimic's style and content networks, for the engine: torch, ``models.nn`` and face data."""
