# SPDX-License-Identifier: GPL-3.0-or-later
"""Loops of kills, cancels, bad inputs, bad files and bad lines against the real engine: ``make torture``."""
