# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own target of Apple's shapes beside another maker's: lips go the same ways, though no mesh of his is in it."""

from __future__ import annotations

import numpy as np
import pytest

from core.arkit.names import SHAPES
from core.arkit.shapes import arkit_shapes
from core.face.basis import open_basis
from core.face.landmarks import LIPS
from research.corpus.ict_landmarks import ict_shapes
from research.paths import DATA_ROOT as DATA

pytestmark = pytest.mark.slow


def test_lips_move_as_on_ict_facekit() -> None:
    if not (DATA / "meshes" / "ict_arkit.npz").is_file():
        pytest.skip("the ICT-FaceKit mesh is not in shared/data")
    theirs = ict_shapes(DATA, open_basis())
    cosines = {}
    for name, ours in zip(SHAPES, arkit_shapes(), strict=True):
        if not name.startswith(("mouth", "jaw")):
            continue
        sided = name.replace("Left", "_L").replace("Right", "_R")
        other = theirs.delta(sided if sided in theirs.names else name)[LIPS]
        cosines[name] = float((ours[LIPS] * other).sum() / (np.linalg.norm(ours[LIPS]) * np.linalg.norm(other)))
    assert np.median(list(cosines.values())) > 0.88
    low = {name: value for name, value in cosines.items() if value < 0.8}
    assert set(low) <= {"mouthPressLeft", "mouthPressRight"}, low
