# SPDX-License-Identifier: GPL-3.0-or-later
"""What a style is, its file and the library, for both processes: numpy alone."""
