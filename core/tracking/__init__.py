# SPDX-License-Identifier: GPL-3.0-or-later
"""Video to face motion, for the engine: numpy at import, MediaPipe and PyAV only inside functions."""
