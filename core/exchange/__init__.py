# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two processes say to each other, imported by both: standard library and numpy alone."""
