# SPDX-License-Identifier: GPL-3.0-or-later
"""Head motion as data (statistics, style matrix, banks), for both processes: numpy alone."""
