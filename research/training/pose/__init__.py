# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the head's prior and fills its bank, for developers: imports what ``research.training`` may."""
