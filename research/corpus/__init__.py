# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and varies training data, for developers: imports core and audio libraries."""
