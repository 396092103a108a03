# SPDX-License-Identifier: GPL-3.0-or-later
"""A face as data (landmarks, basis, motion, lids, closures), for both processes: numpy alone."""
