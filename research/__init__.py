# SPDX-License-Identifier: GPL-3.0-or-later
"""The laboratory, for developers, never in the zip: may import all of core and any package; core never imports it."""
