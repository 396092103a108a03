# SPDX-License-Identifier: GPL-3.0-or-later
"""How people name and build face rigs: one file for each convention, found by itself (see docs/adding-a-rig.md)."""
