# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures head motion, for developers: imports what ``research.evaluation`` may."""
