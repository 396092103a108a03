# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures models against baselines, for developers: imports core, ``research.corpus`` and ``research.training``."""
