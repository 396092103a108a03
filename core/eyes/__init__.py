# SPDX-License-Identifier: GPL-3.0-or-later
"""Blinks and gaze: measured from a reference, made anew for any speech."""
