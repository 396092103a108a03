# SPDX-License-Identifier: GPL-3.0-or-later
"""The committed history of the short benchmark, and what counts as a regression beyond noise."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from research.evaluation.report import BENCHMARK

HISTORY = BENCHMARK / "history.jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded run. inputs: hash of what was measured on; only entries with the same inputs compare.

    accepted: why a level that is worse than the one before was taken, empty where it is not.
    """

    date: str
    commit: str
    model: str
    hardware: str
    inputs: str
    metrics: dict[str, float]
    accepted: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """How far a metric may move: ``share`` of the old value plus ``margin``, in the direction that is worse."""

    higher_is_better: bool
    share: float
    margin: float
    same_hardware_only: bool = False

    def broken(self, old: float, new: float) -> bool:
        """Whether ``new`` is clearly worse."""
        worse_by = (old - new) if self.higher_is_better else (new - old)
        return worse_by > self.share * abs(old) + self.margin


# accuracy is the same number on every machine to within float noise, but a retrained network of the same quality
# moves it by about this much; time on a busy machine varies several times over
RULES = {
    "correlation": Rule(higher_is_better=True, share=0.0, margin=0.03),
    "lip_error_mm": Rule(higher_is_better=False, share=0.05, margin=0.05),
    "closure_recall": Rule(higher_is_better=True, share=0.0, margin=0.10),
    "amplitude": Rule(higher_is_better=True, share=0.15, margin=0.0),
    "real_time_factor": Rule(higher_is_better=True, share=0.85, margin=0.0, same_hardware_only=True),
}


def read_history(path: Path = HISTORY) -> list[Entry]:
    """Oldest first; nothing where there is no file."""
    if not path.is_file():
        return []
    return [Entry(**json.loads(line)) for line in path.read_text().splitlines() if line.strip()]


def append_history(entry: Entry, path: Path = HISTORY) -> None:
    """One more line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(_rounded(asdict(entry))) + "\n")


def regressions(entry: Entry, history: Sequence[Entry]) -> list[str]:
    """One sentence per metric that is clearly worse than in the last entry that measured the same thing.

    Metric names are ``group.metric``; a group that either side could not measure is not compared.
    """
    found = []
    for name, new in entry.metrics.items():
        rule = RULES[name.split(".")[-1]]
        old = next((e for e in reversed(history) if _comparable(e, entry, name, rule)), None)
        if old is not None and rule.broken(old.metrics[name], new):
            found.append(f"{name} went from {old.metrics[name]:.3f} ({old.commit}, {old.date}) to {new:.3f}.")
    return found


def _comparable(old: Entry, new: Entry, name: str, rule: Rule) -> bool:
    same_machine = not rule.same_hardware_only or old.hardware == new.hardware
    return name in old.metrics and old.inputs == new.inputs and same_machine


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "metrics": {name: round(value, 4) for name, value in values["metrics"].items()}}
