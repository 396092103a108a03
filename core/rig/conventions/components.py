# SPDX-License-Identifier: GPL-3.0-or-later
"""``NumberedComponents``: conventions whose keys are numbered components of any sign (FLAME, SMPL-X).

The first index is read off the rig, never assumed: a series that starts anywhere but at 0 or 1, or has a gap, is
refused, because later components would land on the wrong shapes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import RigError
from .base import KeyMatch, RigConvention

EXPRESSION_PREFIXES = ("Exp", "Expression", "exp_", "expression_", "Exp_", "Expression_")
# other people's: ``Expr01``, ``expression-3``, ``FLAME-Exp 1``; what stands before it ends in no letter
_OTHER_SPELLING = re.compile(
    r"^(?P<before>(?:.*[^A-Za-z])?exp(?:r|rs|ression|ressions)?[\s_.:#-]*)\d+(?:\.\d{3})?$", re.I
)
# keys beyond this are finer than what speech moves; DECA and EMOCA use the same first fifty
EXPRESSION_LIMIT = 50


@dataclass(frozen=True)
class NumberedComponents(RigConvention):
    """first_index: of the series that is this convention's; the other one's is left to it."""

    first_index: int = 1

    def match(self, names: Sequence[str], object_name: str) -> KeyMatch | None:
        """The first fifty of ``Exp1, Exp2, ..`` or ``Exp000, Exp001, ..``, by number and not by place."""
        spellings = [(prefix, ignore) for ignore in (False, True) for prefix in EXPRESSION_PREFIXES]
        others = Counter(other["before"] for other in map(_OTHER_SPELLING.match, names) if other)
        for prefix, ignore_case in (*spellings, *((before, False) for before, _ in others.most_common())):
            found = _numbered(names, prefix, ignore_case)
            if found:
                return self._checked(found, object_name)
        return None

    def _checked(self, found: list[tuple[str, int]], object_name: str) -> KeyMatch | None:
        by_index: dict[int, str] = {}
        twins: list[str] = []
        # an original before its copies
        for name, index in sorted(found, key=lambda item: (len(item[0]), item[0])):
            if index in by_index:
                twins.append(name)
            by_index.setdefault(index, name)
        first, last = min(by_index), max(by_index)
        copies = [name for name in twins if re.search(r"\.\d{3}$", name)]
        if len(copies) < len(twins):
            raise RigError(
                f'The mesh "{object_name}" has two spellings of one expression key ({", ".join(sorted(twins)[:3])}).',
                "Remove or rename one series of keys.",
            )
        if first not in (0, 1):
            raise RigError(
                f'The expression keys of "{object_name}" start at {by_index[first]}, not at index 0 or 1.',
                "Rename them so that the first component is Exp1 (FLAME) or Exp000 (SMPL-X).",
            )
        missing = [index for index in range(first, last + 1) if index not in by_index]
        if missing:
            raise RigError(
                f'The expression keys of "{object_name}" have a gap: {by_index[first]}..{by_index[last]} lack '
                f"index {', '.join(map(str, missing[:5]))}.",
                "Restore the missing keys: later components would land on the wrong shapes.",
            )
        if first != self.first_index:
            return None
        ordered = tuple(by_index[index] for index in range(first, last + 1))
        chosen = ordered[:EXPRESSION_LIMIT]
        return KeyMatch(
            convention=self,
            names=chosen,
            meanings=tuple(f"component {index}" for index in range(1, len(chosen) + 1)),
            left_out=(*ordered[EXPRESSION_LIMIT:], *copies),
            found=len(ordered),
            first_index=first,
        )


def _numbered(names: Sequence[str], prefix: str, ignore_case: bool) -> list[tuple[str, int]]:
    """(key name, number) of ``prefix`` and digits; ``Exp1.001`` is a copy, ``Exp.001`` is Blender's way to count."""
    flags = re.IGNORECASE if ignore_case else 0
    pattern = re.compile(rf"^{re.escape(prefix)}(?:\.?(\d+))(?:\.\d{{3}})?$", flags)
    matches = ((name, pattern.match(name)) for name in names)
    found = [(name, int(match.group(1))) for name, match in matches if match]
    bare = re.compile(rf"^{re.escape(prefix)}$", flags)
    # Exp, Exp.001, Exp.002: the first has no number
    first = [(name, 0) for name in names if bare.match(name)]
    counted = found and all(re.search(r"\D\.\d{3}$", name) for name, _ in found)
    return first + found if counted and len(first) == 1 else found
