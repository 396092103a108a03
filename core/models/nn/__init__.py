# SPDX-License-Identifier: GPL-3.0-or-later
"""What several networks share (Conformer, synthesiser, lip-closure constraint), for the engine: torch, face data."""
