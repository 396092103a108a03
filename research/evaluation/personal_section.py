# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's part on one person's style and head, with and without the reference."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from research.evaluation import plots
from research.evaluation.personal import PersonalResult, evaluation_people, measure_people
from research.evaluation.style.distance import Identification
from research.evaluation.tables import Section, Table, number


def personal(data: Path) -> Section:
    """Style and head of held-out people, with and without their reference."""
    from research.evaluation.bundled import expression_generator

    result = measure_people(evaluation_people(data), expression_generator("cpu"))
    ablation = plots.error_per_person(
        {
            "without reference": {row.person: row.plain_error_mm for row in result.people},
            "with reference": {row.person: row.styled_error_mm for row in result.people},
        },
        [row.person for row in result.people],
    )
    figures = (
        dataclasses.replace(ablation, title="Ablation: lip error without and with the person's reference"),
        *(plots.pose_trajectories(n, result.head_true[n], result.head_generated[n]) for n in result.head_true),
    )
    stored = {
        "people": [dataclasses.asdict(row) for row in result.people],
        "poses": [dataclasses.asdict(row) for row in result.poses],
        "identification": {name: dataclasses.asdict(getattr(result, name)) for name in ("truth", "plain", "styled")},
    }
    return Section("personal", _personal_tables(result), stored, figures)


def _personal_tables(result: PersonalResult) -> tuple[Table, ...]:
    lips = Table(
        "Unseen people: without a reference and with one (first four clips or 10 s; scored on the rest)",
        (
            "person",
            "parts",
            "plain mm",
            "styled mm",
            "plain corr",
            "styled corr",
            "plain style dist",
            "styled style dist",
        ),
        tuple(
            (
                row.person,
                str(row.parts),
                number(row.plain_error_mm),
                number(row.styled_error_mm),
                number(row.plain_correlation, 3),
                number(row.styled_correlation, 3),
                number(row.plain_own_distance),
                number(row.styled_own_distance),
            )
            for row in result.people
        ),
        "style distance: to the person's own reference, in deviations over these people; smaller is more alike.",
    )
    poses = Table(
        "Head motion of the same people (LSD and diversity in degrees; Fréchet over windows of one second)",
        ("person", "true LSD", "LSD", "true diversity", "diversity", "Fréchet", "Fréchet, still head"),
        tuple(
            (
                row.person,
                *(number(np.degrees(v)) for v in (row.true_spread, row.spread, row.true_diversity, row.diversity)),
                number(row.frechet, 1),
                number(row.still_frechet, 1),
            )
            for row in result.poses
        ),
    )
    return lips, _identification_table(result), poses


def _identification_table(result: PersonalResult) -> Table:
    named: dict[str, Identification] = {
        "tracked truth": result.truth,
        "Mimesh without reference": result.plain,
        "Mimesh with reference": result.styled,
    }
    return Table(
        "Who is it? Nearest of these people's references by style statistics",
        ("motion", "named right", "chance", "own nearer than others"),
        tuple((name, f"{i.accuracy:.0%}", f"{i.chance:.0%}", f"{i.own_closer:.0%}") for name, i in named.items()),
    )
