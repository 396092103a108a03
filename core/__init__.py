# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything but the user interface, for both processes; these modules import standard library and numpy."""
