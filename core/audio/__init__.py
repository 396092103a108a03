# SPDX-License-Identifier: GPL-3.0-or-later
"""Media to samples, for the engine: standard library and numpy at import, PyAV only inside functions."""
