# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's networks (discrete prior, PoseGPT, sampling), for the engine: torch and ``core.pose``."""
