# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the phonetic speech encoder, for developers: imports what ``research.training`` may."""
