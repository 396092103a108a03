# SPDX-License-Identifier: GPL-3.0-or-later
"""Blinks and gaze from a speaker's statistics, for the engine: numpy, no network."""
