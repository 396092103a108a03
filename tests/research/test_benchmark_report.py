# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables, report, history and the pictures of the benchmark."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from research.evaluation import report
from research.evaluation.history import Entry, append_history, read_history, regressions
from research.evaluation.plots import amplitude_bars, error_per_person, opening_curves, pose_trajectories
from research.evaluation.regions import RegionRatios
from research.evaluation.report import Origin, write_results
from research.evaluation.show import FaceCrop, beside, resized, with_landmarks
from research.evaluation.tables import Section, Table, number
from research.render.quiet import quiet_stdout


def _entry(hardware: str = "box", inputs: str = "a", **metrics: float) -> Entry:
    return Entry("today", "abc", "model", hardware, inputs, {k.replace("__", "."): v for k, v in metrics.items()})


def test_table_lines_up_and_escapes() -> None:
    table = Table("Errors", ("who", "mm"), (("a<b", "1.00"), ("longer name", "12.00")))
    lines = table.text().splitlines()
    assert len({len(line) for line in lines[1:]}) == 1
    assert "a&lt;b" in table.html()
    assert number(float("nan")) == "–"
    assert number(0.5, 1, sign=True) == "+0.5"


def test_regression_beyond_noise_is_named() -> None:
    history = [_entry(heldout__correlation=0.80, heldout__lip_error_mm=3.0)]
    worse = regressions(_entry(heldout__correlation=0.70, heldout__lip_error_mm=3.01), history)
    assert len(worse) == 1
    assert worse[0].startswith("heldout.correlation went from 0.800")


@pytest.mark.parametrize(
    "now",
    [
        _entry(heldout__correlation=0.79, heldout__lip_error_mm=3.1),
        _entry(heldout__correlation=0.95, heldout__lip_error_mm=1.0),
        _entry(inputs="other clips", heldout__correlation=0.1),
        _entry(demo__correlation=0.1),
    ],
    ids=["noise", "better", "other inputs", "not measured then"],
)
def test_what_is_no_regression_passes(now: Entry) -> None:
    assert regressions(now, [_entry(heldout__correlation=0.80, heldout__lip_error_mm=3.0)]) == []


def test_speed_is_compared_on_the_same_hardware_only() -> None:
    history = [_entry(speed__real_time_factor=100.0)]
    assert regressions(_entry(speed__real_time_factor=10.0), history)
    assert not regressions(_entry(hardware="a slower one", speed__real_time_factor=10.0), history)


def test_the_last_comparable_entry_counts() -> None:
    history = [_entry(demo__correlation=0.9), _entry(demo__correlation=0.6), _entry(inputs="b", demo__correlation=0.9)]
    assert not regressions(_entry(demo__correlation=0.6), history)


def test_history_reads_what_it_wrote(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    assert read_history(path) == []
    for entry in (_entry(demo__correlation=0.5), _entry(demo__correlation=0.6)):
        append_history(entry, path)
    assert read_history(path) == [_entry(demo__correlation=0.5), _entry(demo__correlation=0.6)]


def test_committed_history_can_be_read() -> None:
    for entry in read_history():
        assert regressions(entry, [entry]) == []


def test_report_is_one_file_with_plots_and_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Origin("2026", "abc", "model1", "a box", "an OS", "3.11", {"torch": "2"}, 0)
    monkeypatch.setattr(report, "origin", lambda: made)
    figure = error_per_person({"ours": {"s5": 2.0}, "theirs": {"s5": 3.0}}, ["s5"])
    table = Table("Errors", ("who", "mm"), (("s5", "2.00"),))
    page, results = write_results([Section("accuracy", (table,), {"error": np.float64(2.0)}, (figure,))], tmp_path)
    text = page.read_text()
    assert "<svg" in text
    assert "model1" in text
    assert 'src="' not in text
    assert json.loads(results.read_text())["sections"]["accuracy"]["error"] == 2.0


def test_same_numbers_draw_the_same_figure() -> None:
    truth = np.abs(np.sin(np.arange(75) / 4))
    first, second = (opening_curves("clip", truth, {"ours": truth * 0.8}) for _ in range(2))
    assert first == second
    ratios = RegionRatios(1, 1, 1, 0.5, 0.2, 1)
    assert "<svg" in amplitude_bars({"ours": ratios}).svg
    assert "<svg" in pose_trajectories("s5", np.zeros((50, 3)), np.ones((40, 3))).svg


def test_resizing_keeps_a_picture_s_colours_and_shape() -> None:
    picture = np.zeros((20, 40, 3), np.uint8)
    picture[:, 20:] = (200, 100, 50)
    small, large = resized(picture, 10), resized(picture, 60)
    assert (small.shape, large.shape) == ((10, 20, 3), (60, 120, 3))
    for changed in (small, large):
        assert tuple(changed[5, -2]) == (200, 100, 50)
        assert tuple(changed[5, 1]) == (0, 0, 0)


def test_pictures_stand_side_by_side_with_even_size() -> None:
    joined = beside(np.full((10, 15, 3), 9, np.uint8), np.full((21, 21, 3), 7, np.uint8))
    assert joined.shape[0] % 2 == joined.shape[1] % 2 == 0
    assert (joined[3, 3] == 9).all()
    assert (joined[3, -3] == 7).all()


def test_landmarks_are_drawn_where_they_are_and_stay_inside() -> None:
    landmarks = np.full((478, 3), 50.0)
    landmarks[13] = (20.0, 30.0, 0.0)
    landmarks[0] = (500.0, -20.0, 0.0)
    drawn = with_landmarks(np.zeros((100, 100, 3), np.uint8), landmarks)
    assert tuple(drawn[30, 20]) == (255, 70, 70)
    assert drawn[0, 99].any()
    assert not drawn[70, 70].any()


def test_crop_beyond_the_picture_is_black_and_keeps_landmarks_in_place() -> None:
    picture = np.full((30, 40, 3), 5, np.uint8)
    picture[10, 20] = 200
    crop = FaceCrop(left=-10, top=-5, side=50)
    cut = crop.of(picture)
    assert cut.shape == (50, 50, 3)
    assert tuple(cut[0, 0]) == (0, 0, 0)
    x, y = crop.points(np.array([[20.0, 10.0, 0.0]]), 50)[0, :2].astype(int)
    assert tuple(cut[y, x]) == (200, 200, 200)


def test_quiet_stdout_silences_c_code_and_gives_the_output_back(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_stdout():
        os.write(1, b"chatter")
    os.write(1, b"table")
    assert capfd.readouterr().out == "table"


def test_an_accepted_regression_is_the_new_level_and_says_why() -> None:
    def entry(error: float, accepted: str = "") -> Entry:
        return Entry("2026-11-21", "abc", "model", "here", "inputs", {"heldout.lip_error_mm": error}, accepted)

    first, worse = entry(3.0), entry(4.0, "free speech gained")
    assert regressions(entry(4.0), [first])
    assert not regressions(entry(4.0), [first, worse])
    assert regressions(entry(5.0), [first, worse])
