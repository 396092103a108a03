# SPDX-License-Identifier: GPL-3.0-or-later
"""The product speaks the field's words: a private word that docs/glossary.md replaces does not come back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# the model cards are shipped as well
PRODUCT = sorted(
    path
    for folder, kind in (("core", "*.py"), ("operators", "*.py"), ("panels", "*.py"), ("vendor_models", "*.md"))
    for path in (ROOT / folder).rglob(kind)
)
# pattern of each retired word (case does not matter), and the term in its place
RETIRED = {
    r"(?<!p)re-?roll\w*|\broll(s|ed|ing)?\b|\broll_head": "regenerate (roll is a rotation axis)",
    r"\bseal(s|ed|ing)?\b|_sealed\b": "lip-closure constraint",
    r"mimicry|\bOnceEach\b|\bStyleMaker\b": "backend, memoised, extractor",
    r"(?<![a-z])manners?\b": "style, conditioning, statistics",
    r"\bcourses?\b|_course\b": "motion statistics",
    r"\bverdicts?\b|\bguards?\b|_guard\b": "model selection, early stopping, report",
    r"\bbelie(ve|ved|ves|f)\b": "shrinkage, weight, prior",
    r"(?<![a-z_])trust(s|ed)?\b|_trust\b": "shrinkage, weight, reliability",
    r"\btalkers?\b": "speaker",
    r"\blisten(s|ed|er|ers|ing)?\b": "encode; synthesiser",
    r"(?<![a-z])hear(s|d|ing)?\b": "encode, detect; features",
    r"\bswing(s)?\b|_swing\b": "amplitude",
    r"\busual\b|\busual_": "population, typical, prior",
    r"\bbeside\(": "relative_to",
    r"stillness|come_back|hold_still|holds? still": "dead zone, drift removal",
    r"\bstress(ed|es)?\b": "prosodic prominence",
    r"\bown[ _]bank\b": "user bank",
    r"\bin_words\b|\b_words = ": "describe, labels",
    r"reason_against": "x_disabled_reason",
    r"\bby heart\b": "overfit",
    r"\bmaterials?\b": "adaptation dataset, training pairs",
    r"\bvotes?\b": "attention pooling",
    r"(?<![a-z_])anchors?\b": "self-distillation, reference point",
    r"\bman\b": "speaker",
    r"\bRestFit\b|\bRestTrust\b|\bfit_rest\b|\brest_fit\b": "residual affine correction",
}
# the plain sense of such a word: lines that match, in these files only ("": in any)
ALLOWED = {
    "roll": {"": r"bone\.roll|zero roll|yaw"},
    "manner": {"core/models/speech/articulation.py": r"manner", "vendor_models/phonetic_encoder.md": r"manner"},
    "stress": {"core/models/speech/articulation.py": r"stress"},
    # the character who does not speak
    "listen": {"": r"[Ll]istener"},
    # Blender's
    "material": {f"core/blender/{name}.py": r"material" for name in ("demo_head", "first_try", "read_mesh")},
    # what the demo character looks like
    "man": {"vendor_models/demo_head.md": r"adult man"},
    "trust": {"core/models/speech/hubert.py": r"trust_remote_code", "core/client/setup_failure.py": r"certificate"},
    # the names of the command line's option, of the saved scenes' property and of earlier results
    "stillness": {"core/settings.py": r"--head-stillness|pose\.stillness|stillness_radians"},
}
# shipped files hold these names; one table reads them
EXEMPT = {"core/models/nn/tensor_names.py"}


def retired_words(text: str, name: str = "") -> Iterator[tuple[int, str, str]]:
    """(line number, word, the term in its place) of every retired word in the text of the file ``name``."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, term in RETIRED.items():
            for match in re.finditer(pattern, line, re.IGNORECASE):
                if not is_plain(match.group().lower(), line, name):
                    yield number, match.group(), term


def is_plain(word: str, line: str, name: str) -> bool:
    """Whether the word has its plain sense there."""
    senses = [files for key, files in ALLOWED.items() if key in word]
    return any(file in ("", name) and re.search(sense, line) for files in senses for file, sense in files.items())


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_retired_word_is_in_the_product(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    if name in EXEMPT:
        return
    words = retired_words(path.read_text(encoding="utf-8"), name)
    found = [f"line {number}: {word!r}, say: {term}" for number, word, term in words]
    assert not found, f"{name}\n" + "\n".join(found)


@pytest.mark.parametrize(
    "line",
    ["the average talker", "def hear(", "sealed = x", "a roll of the head", "self._heard = 0", "Roll Head Again"],
)
def test_a_retired_word_is_found(line: str) -> None:
    assert list(retired_words(line))


@pytest.mark.parametrize("line", ["bone.roll = 0.0", "yaw and roll", "PREROLL_SECONDS", "shears", "mouthRollUpper"])
def test_other_words_and_the_plain_sense_are_free(line: str) -> None:
    assert not list(retired_words(line))


def test_a_plain_sense_is_plain_in_its_file_alone() -> None:
    assert not list(retired_words('Feature("manner", ...)', "core/models/speech/articulation.py"))
    assert list(retired_words('Feature("manner", ...)', "core/models/eyes/apply.py"))
