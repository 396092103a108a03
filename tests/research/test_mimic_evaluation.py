# SPDX-License-Identifier: GPL-3.0-or-later
"""Mimic's benchmark: its measures on made numbers, and every row on made people with a tiny network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.audio.speech import Speech
from core.face.basis import open_basis
from core.face.region_chart import OPENING, region_chart
from core.models.mimic.generate import MimicGenerator
from core.models.speech.articulation import ARPABET
from core.models.speech.phonetic import PhoneticEncoder
from research.evaluation.baselines import face_motion
from research.evaluation.mimic.ablations import AblationScore, ablations, table
from research.evaluation.mimic.benchmark import MimicFindings
from research.evaluation.mimic.disentangle import (
    SPACES,
    Movement,
    code_agreement,
    disentanglement,
    kept_closures,
    person_stretches,
    phone_shares,
    probe,
)
from research.evaluation.mimic.methods import (
    CONSTANT,
    CORRECTED,
    MEAN,
    OTHER,
    OWN,
    SOUNDLESS,
    MimicResult,
    measured,
    mimic_results,
)
from research.evaluation.mimic.people import MimicRow, halved, joined, pieces
from research.evaluation.mimic.tables import OwnWins
from research.evaluation.personal import Person, PersonPart
from research.evaluation.regions import REGIONS, RegionRatios
from research.evaluation.style.benchmark import Ruler
from research.evaluation.style.tables import StretchScore
from research.training.mimic.loss import CONSTRAINTS
from tests.adapt_made import CHANNELS, LevelEncoder, person
from tests.mimic_made import TINY, tiny_network


def _part(name: str, seconds: float, seed: int, gain: float) -> PersonPart:
    return PersonPart(name, person(seconds, seed, gain, 0.0))


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return [
        Person("large", _part("large", 6, 1, 1.6), (_part("large", 6, 2, 1.6),)),
        Person("small", _part("small", 6, 3, 0.5), (_part("small", 3, 4, 0.5),)),
    ]


@pytest.fixture(scope="module")
def mimic() -> MimicGenerator:
    network = tiny_network(replace(TINY, feature_size=CHANNELS))
    return MimicGenerator(network, LevelEncoder(), open_basis(), "tiny", "cpu")


def test_a_probe_reads_what_is_there_and_only_that() -> None:
    rng = np.random.default_rng(0)
    apart = {name: rng.normal(size=(20, 8)) + 4 * rng.normal(size=8) for name in "abcd"}
    alike = {name: rng.normal(size=(20, 8)) for name in "abcd"}
    assert probe("apart", apart).accuracy > 0.95
    assert probe("alike", alike).accuracy < 0.5
    assert probe("alike", alike).chance == 0.25


def test_a_probe_counts_every_person_the_same() -> None:
    """One with many stretches must not be what is guessed whenever nothing is known."""
    rng = np.random.default_rng(1)
    found = probe("alike", {"many": rng.normal(size=(200, 3)), "few": rng.normal(size=(20, 3))})
    assert 0.3 < found.accuracy < 0.7


def test_agreement_of_codes_by_hand() -> None:
    codes = {"a": np.array([[2.0, 0.0], [0.0, 1.0]]), "b": np.array([[0.0, 3.0], [0.0, 4.0]])}
    found = code_agreement(codes)
    # a: at right angles to each other, so nothing is nearer; b: nearer to each other than to a0, as near as to a1
    assert found.within == pytest.approx(0.5)
    assert found.across == pytest.approx(0.5)
    assert found.own_closer == pytest.approx((0.0 + 0.5) / 2)


def test_a_swap_goes_towards_where_people_differ_whatever_size_everybody_has() -> None:
    regions = len(REGIONS)
    # the new person's amplitude is double, half, and the same
    wanted = np.log([[2.0] * regions, [0.5] * regions, [1.05] * regions])
    given = np.array([[0.2] * regions, [-0.1] * regions, [-0.3] * regions])
    # motion so small that it is too small for all of them
    missing = wanted + 3.0
    found = Movement.of(wanted, given, missing)
    assert found.overall == 1.0 and set(found.towards.values()) == {1.0}
    assert found.nearer == pytest.approx(1 / 3)
    slope = (0.2 + 0.1) * np.log(2) - 0.3 * np.log(1.05)
    assert found.follows["opening"] == pytest.approx(slope / (2 * np.log(2) ** 2 + np.log(1.05) ** 2))
    assert Movement.of(wanted, -given, missing).overall == 0.0


def test_phones_shares_sum_to_one() -> None:
    noise = Speech((0.05 * np.random.default_rng(0).normal(size=16000)).astype(np.float32), "noise")
    shares = phone_shares(PhoneticEncoder.load(), noise)
    assert shares.shape == (len(ARPABET),) and shares.sum() == pytest.approx(1.0)


def test_closures_are_kept_within_one_frame() -> None:
    direction = region_chart(open_basis()).directions[OPENING]

    def motion(*shut: int):
        gap = np.full(40, 0.8)
        gap[list(shut)] = 0.0
        return face_motion(np.outer(gap, direction), open_basis())

    assert kept_closures(motion(10, 30), motion(11, 30)) == (4, 4, 2)
    assert kept_closures(motion(10, 30), motion(13, 30)) == (2, 4, 2)


def _score(error: float) -> StretchScore:
    return StretchScore(error, 6.0, 0.8, 0.0, RegionRatios(1, 1, 1, 1, 1, 1))


def _row(name: str, error: float, distance: float) -> MimicRow:
    return MimicRow(name, (_score(error),), distance, 0.5, 0.1)


def test_wins_count_people_and_need_all_four_at_once() -> None:
    results = [
        MimicResult(OWN, (_row("a", 3.0, 1.0), _row("b", 3.0, 1.0))),
        MimicResult(OTHER, (_row("a", 4.0, 2.0), _row("b", 4.0, 0.5))),
        MimicResult(MEAN, (_row("a", 3.5, 1.5), _row("b", 2.0, 1.5))),
    ]
    wins = OwnWins.of(results)
    assert (wins.lip_error_other, wins.lip_error_mean) == (1.0, 0.5)
    assert (wins.distance_other, wins.distance_mean, wins.all_four) == (0.5, 1.0, 0.5)


def test_short_clips_are_halved_and_long_ones_give_ten_seconds() -> None:
    short, long = halved("a", _part("a", 6, 1, 1.0)), halved("b", _part("b", 16, 1, 1.0))
    assert [len(p.reference.reference.motion) for p in (short, long)] == [75, 250]
    assert [len(p.tests[0].reference.motion) for p in (short, long)] == [75, 150]


def test_a_missing_end_holds_still(people: list[Person]) -> None:
    shown = np.random.default_rng(0).normal(size=(100, 478, 3)).astype(np.float32)
    cut = pieces(people[0].tests[0], shown)
    assert [len(given) for _, given in cut] == [75, 75]
    assert (cut[1][1][25:] == shown[-1]).all()


def test_rows_of_several_codes_are_one(people: list[Person]) -> None:
    row = joined([_row("a", 2.0, 1.0), _row("a", 4.0, 3.0)])
    assert row.mean("lip_error_mm") == 3.0 and row.own_distance == 2.0


def test_every_row_is_measured(people: list[Person], mimic: MimicGenerator) -> None:
    ruler = Ruler.of(people)
    results = {result.name: result for result in measured(people, ruler, mimic, base=None)}
    assert set(results) == {CONSTANT, MEAN, OTHER, SOUNDLESS, OWN, CORRECTED}
    for row in results[CONSTANT].people:
        assert row.mean("lip_error_mm") == pytest.approx(row.mean("constant_error_mm"), rel=1e-3)
    assert results[OWN].people != results[MEAN].people
    assert results[CORRECTED].people != results[OWN].people
    assert results[OWN].people != results[SOUNDLESS].people
    assert all(row.first_seconds > 0 for result in results.values() for row in result.people)


def test_the_findings_make_tables(people: list[Person], mimic: MimicGenerator) -> None:
    ruler = Ruler.of(people)
    results = tuple(mimic_results(people, ruler, mimic))
    apart = disentanglement(mimic, people)
    found = MimicFindings(results, results, apart, ruler.truth)
    assert len(found.tables()) == 5
    assert [item.space for item in apart.probes] == list(SPACES)
    assert apart.probes[0].stretches == sum(len(person_stretches(p)) for p in people) == 7
    assert apart.swap.pairs == 2 and 0 <= apart.swap.movement.overall <= 1
    assert all(table.text() for table in found.tables())


def test_ablations_change_one_thing_at_a_time() -> None:
    made = list(ablations(50))
    assert [item.name for item in made[1:5]] == [f"without {name}" for name in CONSTRAINTS]
    full = made[0].settings
    for item in made[1:7]:
        assert item.settings != full
        assert replace(item.settings, constraints=full.constraints) == full
    assert made[7].settings.network.decoder == "autoregressive"
    score = AblationScore(3.0, 3.6, 3.5, 0.8, 0.6, 0.9, 0.2, 0.3, 0.4, 0.7, 0.1)
    assert "without latent cycles" in table({item.name: score for item in made}, 50).text()
