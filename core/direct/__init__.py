# SPDX-License-Identifier: GPL-3.0-or-later
"""Directing a baked line without the engine: what is kept of it, how it is adjusted, thinned and checked. numpy."""
