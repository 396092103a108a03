# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the bundled demo head, for developers: numpy and core."""
