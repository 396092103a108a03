# SPDX-License-Identifier: GPL-3.0-or-later
"""Set before any test imports torch: threads that wait must not spin, or a busy machine makes seconds into minutes."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
