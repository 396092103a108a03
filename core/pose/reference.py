# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reference clip gives for the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .style_matrix import StyleMatrix


@dataclass(frozen=True, slots=True, eq=False)
class PoseReference:
    """What a reference clip gives. head: (T, 3) radians at 25 fps; matrix: None without sound."""

    head: NDArray[np.float32]
    matrix: StyleMatrix | None = None
