# SPDX-License-Identifier: GPL-3.0-or-later
"""Apple's 52 face shapes: a target of our own, motion to their values and back, and the files that hold them."""
