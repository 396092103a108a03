# SPDX-License-Identifier: GPL-3.0-or-later
"""AdaMesh's expression network, MoLoRA and adaptation, for the engine: torch, ``models.nn`` and face data."""
