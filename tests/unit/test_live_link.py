# SPDX-License-Identifier: GPL-3.0-or-later
"""Live Link Face's CSV: order, header, time code."""

from __future__ import annotations

import csv
import io

import numpy as np

from core.rig.live_link import COLUMNS, SHAPES, write_live_link


def test_the_order_is_live_link_faces() -> None:
    # places in Apple's own order, as Epic's app writes them
    for place, name in {
        0: "eyeBlinkLeft",
        7: "eyeBlinkRight",
        17: "jawOpen",
        18: "mouthClose",
        43: "browInnerUp",
    }.items():
        assert SHAPES[place] == name
    assert len(set(SHAPES)) == 52 and len(COLUMNS) == 61 and SHAPES[-1] == "tongueOut"


def test_values_stand_under_their_names_and_frames_have_time_codes() -> None:
    values = np.stack([np.linspace(0, 1.2, 31), np.full(31, 0.25)], axis=1)
    text = write_live_link(("jawOpen", "mouthSmileLeft"), values, 30.0)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 31 and rows[0]["BlendShapeCount"] == "61"
    assert (rows[0]["Timecode"], rows[29]["Timecode"], rows[30]["Timecode"]) == (
        "00:00:00:00.000",
        "00:00:00:29.000",
        "00:00:01:00.000",
    )
    assert [float(rows[15][name]) for name in ("JawOpen", "MouthSmileLeft", "MouthClose")] == [0.6, 0.25, 0.0]
    # a coefficient of Apple's ends at one
    assert float(rows[30]["JawOpen"]) == 1.0
