# SPDX-License-Identifier: GPL-3.0-or-later
"""The style benchmark on made people and a tiny network: every method runs, and the numbers are what they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.face.basis import open_basis
from core.models.adamesh.generate import ExpressionGenerator
from core.models.adamesh.molora import MoloraSettings
from core.models.adamesh.residual_correction import fit_residual_correction
from core.tracking.reference import TrackedReference
from research.evaluation.personal import Person, PersonPart
from research.evaluation.regions import RegionRatios
from research.evaluation.style.benchmark import Ruler, measure_method, stretch_score, stretches, tables
from research.evaluation.style.cache import RowCache
from research.evaluation.style.distance import StyleScale
from research.evaluation.style.methods import (
    EQUAL_SHRINKAGE,
    Adapted,
    FullTuner,
    GainAndOffset,
    LeastSquaresGain,
    Unadapted,
    methods,
    with_ranks,
)
from research.evaluation.style.tables import (
    MethodResult,
    PersonRow,
    StretchScore,
    mean_correlation,
    own_closer_of_all,
    reduction,
)
from tests.adapt_made import QUICK, person, trained_base

UNIT = StyleScale(np.zeros(30), np.ones(30))


def part(name: str, made: TrackedReference) -> PersonPart:
    return PersonPart(name, made)


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return [
        Person("large", part("large", person(6, 1, 1.6, 0.2)), (part("large", person(6, 2, 1.6, 0.2)),)),
        Person("small", part("small", person(6, 3, 0.5, -0.2)), (part("small", person(3, 4, 0.5, -0.2)),)),
    ]


@pytest.fixture(scope="module")
def base() -> ExpressionGenerator:
    torch.set_num_threads(1)
    return trained_base()


@pytest.fixture(scope="module")
def results(base: ExpressionGenerator, people: list[Person]) -> dict[str, MethodResult]:
    full = replace(QUICK, tune=replace(QUICK.tune, learning_rate=1e-3))
    adapted = (Adapted("MoLoRA", QUICK), Adapted("full", full, full=True))
    chosen = (Unadapted(), GainAndOffset(), LeastSquaresGain(), *adapted)
    ruler = Ruler.of(people)
    return {method.name: measure_method(method, base, people, ruler) for method in chosen}


def test_long_parts_are_scored_in_stretches(people: list[Person]) -> None:
    pieces = stretches(people[0].tests[0])
    assert [len(piece.reference.motion) for piece in pieces] == [75, 75]
    assert len(stretches(people[1].tests[0])) == 1
    speech = pieces[1].reference.speech
    assert speech is not None and len(speech.samples) == 75 * 640


def test_adapted_methods_beat_the_base_and_leave_it_alone(
    results: dict[str, MethodResult], base: ExpressionGenerator, people: list[Person]
) -> None:
    plain = results["unadapted"]
    for name in ("MoLoRA", "full"):
        assert reduction(results[name], plain).value > 0.2, name
        assert all(row.values > 0 and row.fit_seconds > 0 for row in results[name].people)
    again = measure_method(Unadapted(), base, people, Ruler.of(people))
    assert again == plain


def test_the_style_is_recognised(results: dict[str, MethodResult], people: list[Person]) -> None:
    assert Ruler.of(people).truth == 1.0
    assert all(row.own_closer == 1.0 for row in results["MoLoRA"].people)
    # without a reference all speak alike: nobody's manner is nearer to both
    assert np.mean([row.own_closer for row in results["unadapted"].people]) <= 0.5


def test_tables_name_every_method_and_person(results: dict[str, MethodResult], people: list[Person]) -> None:
    summary, per_person, regions = tables(list(results.values()), Ruler.of(people))
    assert [row[0] for row in summary.rows] == list(results)
    assert per_person.columns[1:] == ("large", "small") and per_person.rows[-1][0] == "constant face"
    assert len(regions.rows) == len(results)
    assert "MoLoRA" in summary.text()
    # two stretches of one person and one of the other, each against one other person
    assert summary.note.endswith("All pairs: the same of the 3 pairs together.")
    shares = {row[0]: row[summary.columns.index("own closer, all pairs %")] for row in summary.rows}
    assert shares["MoLoRA"] == "100"


def test_the_share_of_all_pairs_counts_long_recordings_more() -> None:
    result = made_result("any", [1.0, 1.0, 1.0], [1.0])
    first, second = result.people
    result = MethodResult("any", (replace(first, own_closer=0.5), replace(second, own_closer=1.0)))
    # 3 stretches x 2 others at a half, 1 x 4 at one
    assert own_closer_of_all(result, {"0": 2, "1": 4}) == pytest.approx((0.5 * 6 + 1.0 * 4) / 10)
    # nobody to be told from
    alone = MethodResult("any", (replace(first, own_closer=float("nan")), result.people[1]))
    assert own_closer_of_all(alone, {"0": 0, "1": 4}) == 1.0
    assert np.isnan(own_closer_of_all(alone, {"0": 0, "1": 0}))


def test_the_truth_scores_perfectly(people: list[Person]) -> None:
    basis = open_basis()
    true = people[0].tests[0].reference.landmarks - basis.neutral
    score = stretch_score(true, true, basis)
    assert score.lip_error_mm == 0.0 and score.correlation == pytest.approx(1.0)
    assert score.ratios.opening == pytest.approx(1.0) and score.dynamics == pytest.approx(0.0)
    assert score.constant_error_mm > 1.0


def made_result(name: str, *errors: list[float]) -> MethodResult:
    ratios = RegionRatios(1, 1, 1, 1, 1, 1)
    rows = [
        PersonRow(str(i), tuple(StretchScore(e, 5.0, 0.5, 0.0, ratios) for e in own), 1.0, 0.0, 0, 1.0, 0)
        for i, own in enumerate(errors)
    ]
    return MethodResult(name, tuple(rows))


def test_reduction_is_the_mean_over_people_with_an_interval_over_stretches() -> None:
    before = made_result("before", [4.0, 4.0, 4.0], [2.0, 2.0, 2.0])
    after = made_result("after", [2.0, 2.0, 2.0], [2.0, 2.0, 2.0])
    interval = reduction(after, before)
    assert (interval.low, interval.value, interval.high) == pytest.approx((0.25, 0.25, 0.25))
    mixed = reduction(made_result("after", [1.0, 4.0, 4.0], [2.0, 2.0, 2.0]), before)
    assert mixed.value == pytest.approx(0.125)
    assert mixed.low < mixed.value < mixed.high
    assert mean_correlation(after).value == 0.5


def test_full_fine_tuning_scales_along_a_line_and_goes_without_a_trace(base: ExpressionGenerator) -> None:
    before = [parameter.detach().clone() for parameter in base.network.parameters()]
    tuner = FullTuner(base.network, 0)
    with torch.no_grad():
        for parameter in tuner.parameters():
            parameter += 1.0
    tuner.set_scale(0.5)
    for parameter, start in zip(tuner.parameters(), before, strict=True):
        torch.testing.assert_close(parameter, start + 0.5)
    tuner.set_scale(1.0)
    for parameter, start in zip(tuner.parameters(), before, strict=True):
        torch.testing.assert_close(parameter, start + 1.0)
    tuner.remove()
    assert all(torch.equal(p, start) for p, start in zip(base.network.parameters(), before, strict=True))


def test_every_row_of_the_table_has_its_own_name() -> None:
    names = [method.name for method in methods()]
    assert len(set(names)) == len(names) > 10


def test_least_squares_finds_a_gain_and_offset_and_doubts_short_clips() -> None:
    said = np.random.default_rng(0).normal(size=(2500, 53)).astype(np.float32)
    fitted = fit_residual_correction(said, 1.5 * said + 0.2, np.ones(2500, np.float32), EQUAL_SHRINKAGE)
    # a hundred seconds are believed to 97 %
    np.testing.assert_allclose(fitted.gain, 1.0 + 0.5 * 100 / 103, atol=1e-4)
    middle = said.mean(axis=0)
    np.testing.assert_allclose(
        (fitted.gain * said + fitted.offset).mean(axis=0), middle + 100 / 103 * (0.5 * middle + 0.2), atol=1e-4
    )
    short = fit_residual_correction(said[:75], 1.5 * said[:75], np.ones(75, np.float32), EQUAL_SHRINKAGE)
    np.testing.assert_allclose(short.gain, 1.25, atol=1e-4)
    # frames that the tracker lost do not count
    torn = 1.5 * said + 0.2
    torn[::2] = 9.0
    weights = np.tile([0.0, 1.0], 1250).astype(np.float32)
    np.testing.assert_allclose(
        fit_residual_correction(said, torn, weights, EQUAL_SHRINKAGE).gain, 1.0 + 0.5 * 50 / 53, atol=1e-4
    )


def test_a_finished_row_is_kept_for_the_same_method_base_and_people_only(
    results: dict[str, MethodResult], base: ExpressionGenerator, people: list[Person], tmp_path: Path
) -> None:
    cache, method = RowCache(base, people, tmp_path), Adapted("MoLoRA", QUICK)
    assert cache.load(method) is None
    cache.save(method, results["MoLoRA"])
    assert cache.load(method) == results["MoLoRA"]
    assert cache.load(Adapted("MoLoRA", replace(QUICK, style=False))) is None
    assert cache.load(Adapted("MoLoRA", QUICK, full=True)) is None
    assert RowCache(base, people[:1], tmp_path).load(method) is None
    other = ExpressionGenerator(base.network, base.encoder, base.basis, "another", "cpu")
    assert RowCache(other, people, tmp_path).load(method) is None


def test_other_ranks_learn_as_fast() -> None:
    shipped = MoloraSettings()
    speed = sum(rank * shipped.pair_scale(rank) for rank in shipped.ranks)
    for ranks in ((30,), (4,), (4, 8, 16, 32)):
        other = with_ranks(shipped, ranks)
        assert other.ranks == ranks
        assert sum(rank * other.pair_scale(rank) for rank in ranks) == pytest.approx(speed)
