# SPDX-License-Identifier: GPL-3.0-or-later
"""The card of a model pack: what it was trained on, and how it does on speech that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass

from research.evaluation.protocol.scores import PersonFigures
from research.training.people.clips import OWN_OFFSET_SECONDS, CheckedClip


@dataclass(frozen=True, slots=True)
class HeldoutFigures:
    """One person's held-out speech by the bundled network and by the pack's."""

    person: str
    bundled: PersonFigures
    own: PersonFigures


@dataclass(frozen=True, slots=True)
class Card:
    """What ``card.md`` says."""

    name: str
    encoder: str
    from_scratch: bool
    steps: int
    clips: tuple[CheckedClip, ...]
    figures: tuple[HeldoutFigures, ...]

    def text(self) -> str:
        """Markdown."""
        used = [item for item in self.clips if not item.problem]
        people = sorted({item.clip.person for item in used})
        minutes = sum(item.seconds for item in used) / 60
        how = "begun anew" if self.from_scratch else "on top of the bundled networks"
        lines = [
            f"# Model pack {self.name}",
            "",
            f"{len(used)} clips of {len(people)} people, {minutes:.1f} minutes; speech encoder {self.encoder}; "
            f"{self.steps} steps, {how}.",
            "Every fifth clip of a person (of a single clip its last fifth) was held out.",
            "",
            *self._left_out(),
            "## Held-out speech of the same people, no reference",
            "",
            "Correlation of the mouth's opening at the best of two frames / lip error over a face that never moves "
            "(1.00) / spread of the opening against the truth's.",
            "",
            "| person | bundled network | this pack | a face that never moves |",
            "|---|---|---|---|",
            *(f"| {row.person} | {_cell(row.bundled)} | {_cell(row.own)} | 0 / 1.00 / 0 |" for row in self.figures),
            "",
            "These people are known to the pack: of strangers it says nothing. A person whose row got worse has too "
            "little, or clips out of step; look at the offsets below.",
            "",
            "## Clips",
            "",
            "| person | clip | seconds | picture behind sound, ms |",
            "|---|---|---|---|",
            *(f"| {i.clip.person} | {i.clip.path.name} | {i.seconds:.1f} | {_offset(i)} |" for i in used),
            "",
        ]
        return "\n".join(lines)

    def _left_out(self) -> list[str]:
        lost = [item for item in self.clips if item.problem]
        lines = [f"- {item.clip.person} / {item.clip.path.name}: {item.problem}" for item in lost]
        return ["Left out:", "", *lines, ""] if lost else []


def _cell(figures: PersonFigures) -> str:
    return f"{figures.best:.2f} / {figures.error_ratio:.2f} / {figures.amplitude:.2f}"


def _offset(item: CheckedClip) -> str:
    if item.offset is None or not item.offset.reliable:
        return "cannot tell: the person's median"
    measured = f"{1000 * item.offset.offset_seconds:+.0f}"
    return measured if item.seconds >= OWN_OFFSET_SECONDS else f"{measured}, short: the person's median"
