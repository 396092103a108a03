# SPDX-License-Identifier: GPL-3.0-or-later
"""A tiny made file of FLAME's layout: its arrays' names and shapes, nothing of its data."""

from __future__ import annotations

import numpy as np

SHAPES, EXPRESSIONS, VERTICES = 300, 100, 24


def flame_arrays() -> dict[str, np.ndarray]:
    """Random small arrays; the first expression lifts everything by a centimetre."""
    rng = np.random.default_rng(0)
    directions = rng.normal(0, 1e-3, (VERTICES, 3, SHAPES + EXPRESSIONS))
    directions[:, :, SHAPES] = [0.0, 0.01, 0.0]
    regressor = rng.random((5, VERTICES))
    weights = rng.random((VERTICES, 5))
    return {
        "v_template": rng.normal(0, 0.08, (VERTICES, 3)),
        "f": np.array([[i, i + 1, i + 2] for i in range(VERTICES - 2)], np.uint32),
        "shapedirs": directions,
        "posedirs": rng.normal(0, 1e-3, (VERTICES, 3, 36)),
        "weights": weights / weights.sum(axis=1, keepdims=True),
        "J_regressor": regressor / regressor.sum(axis=1, keepdims=True),
        "kintree_table": np.array([[4294967295, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.uint32),
    }
