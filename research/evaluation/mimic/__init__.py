# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures Mimic's styles and contents, for developers: imports what ``research.evaluation`` may."""
