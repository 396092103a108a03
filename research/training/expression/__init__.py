# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains AdaMesh's base network, for developers: imports what ``research.training`` may."""
