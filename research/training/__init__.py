# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains every shipped network, for developers: imports core, torch and ``research.corpus``."""
