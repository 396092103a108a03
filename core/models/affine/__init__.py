# SPDX-License-Identifier: GPL-3.0-or-later
"""Gain and offset per motion value as a style, for the engine: numpy, no network."""
