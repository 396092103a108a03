# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech encoders, for the engine: numpy at import, torch only where a network is opened."""
