# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains Mimic, for developers: imports what ``research.training`` may."""
