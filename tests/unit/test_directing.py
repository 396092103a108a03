# SPDX-License-Identifier: GPL-3.0-or-later
"""Pauses between lines, styles mixed over time, the listener's head and the report, as plain data."""

from __future__ import annotations

import io
import itertools
import re

import av
import numpy as np
import pytest

from core.audio.speech import SAMPLE_RATE, Speech
from core.direct.report import ReportLine, report_page
from core.engine.listener import listener_head
from core.exchange.pauses import Spoken, find_pauses
from core.face.basis import open_basis
from core.face.blend import blend_over_time, normalised
from core.face.closures import SHUT_CM, lip_gap
from core.face.motion import Motion
from core.png import png
from core.style.traits import with_amounts
from core.trait_settings import TraitAmounts
from tests.face_fixtures import talking_motion

LINES = (Spoken(0, "Anna", 10, 60), Spoken(1, "Ben", 80, 160), Spoken(2, "Anna", 170, 220))


def speaking(seed: int) -> Motion:
    motion = talking_motion(open_basis(), 100, seed)
    return motion.replace(expression=0.15 * motion.expression)


def test_a_character_attends_to_who_speaks_and_is_idle_else() -> None:
    pauses = find_pauses(LINES, "Ben", 1, 300, 24.0, 6)
    assert [(p.first, p.last, p.number) for p in pauses] == [(10, 60, 0), (172, 220, 2), (232, 300, None)]
    own = (80 - 12, 160 + 12)
    assert all(p.last <= own[0] or p.first >= own[1] for p in pauses)


def test_pauses_do_not_touch_each_other() -> None:
    for name in ("Anna", "Ben", "Cleo"):
        pauses = find_pauses(LINES, name, 1, 300, 24.0, 6)
        assert all(a.last + 12 <= b.first for a, b in itertools.pairwise(pauses))


def test_weights_become_shares_and_none_at_all_is_the_first() -> None:
    shares = normalised(np.array([[2.0, 2.0], [0.0, 0.0], [0.0, 0.5]]))
    assert shares.tolist() == [[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]]


def test_a_mix_passes_from_one_style_into_the_other_and_lips_go_on_meeting() -> None:
    calm = speaking(3)
    angry = with_amounts(calm, TraitAmounts(opening=1.7, rounding=1.5))
    ramp = np.linspace(0, 1, 100)
    mixed = blend_over_time([calm, angry], np.stack([1 - ramp, ramp], axis=1))
    assert np.allclose(mixed.expression[0], calm.expression[0], atol=1e-5)
    assert np.allclose(mixed.expression[-1], angry.expression[-1], atol=1e-5)
    shut = lip_gap(open_basis(), calm) < SHUT_CM
    assert (lip_gap(open_basis(), mixed)[shut] < SHUT_CM + 0.02).all()


def test_motions_that_do_not_belong_together_are_not_mixed() -> None:
    with pytest.raises(ValueError, match="differ"):
        blend_over_time([speaking(3), talking_motion(open_basis(), 60)], np.ones((100, 2)))


def test_who_does_not_speak_moves_less_and_begins_and_ends_at_rest() -> None:
    rng = np.random.default_rng(0)
    loud = np.repeat([1.0, 0.0, 1.0, 0.0], SAMPLE_RATE * 2) * rng.normal(0, 0.1, SAMPLE_RATE * 8)
    speech = Speech(loud.astype(np.float32), "talk")
    head = np.cumsum(rng.normal(0, 0.02, (200, 3)), axis=0).astype(np.float32)
    moved = listener_head(head, speech, 1.0, 5)
    assert np.abs(moved[[0, -1]]).max() == 0
    assert np.std(moved) < np.std(head)
    assert np.array_equal(moved, listener_head(head, speech, 1.0, 5))
    assert not np.array_equal(moved, listener_head(head, speech, 1.0, 6))
    assert not listener_head(head, speech, 0.0, 5).any()


def test_idle_time_follows_no_speech_and_never_quite_stands() -> None:
    silence = Speech(np.zeros(SAMPLE_RATE * 8, np.float32), "silence")
    head = np.ones((200, 3), np.float32)
    idle = listener_head(head, silence, 1.0, 5)
    assert np.array_equal(idle, listener_head(0 * head, silence, 1.0, 5))
    assert 0.002 < np.abs(idle[50:150]).max() < 0.05


def test_a_report_is_one_page_with_curves_pictures_and_facts() -> None:
    page = report_page("Shot <3>", [ReportLine("line & one", speaking(3), {"Engine": "mimic"}, ["A note."])])
    assert page.count("<svg") == 4
    assert page.count("data:image/png;base64,") == 8
    assert "Shot &lt;3&gt;" in page and "line &amp; one" in page and "mimic" in page and "A note." in page
    assert not re.search(r"https?://", page), "nothing is fetched"
    assert len(page) < 400_000


def test_a_png_is_read_by_others() -> None:
    rgb = np.random.default_rng(1).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    with av.open(io.BytesIO(png(rgb)), format="png_pipe") as file:
        read = next(file.decode(video=0)).to_ndarray(format="rgb24")
    assert np.array_equal(read, rgb)
