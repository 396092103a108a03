# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures styles from ten seconds, for developers: imports what ``research.evaluation`` may."""
