# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever code, cards and pages cite is in the repository: documents, their sections, and files."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAPERS = ROOT / "docs" / "papers.md"
# the diary tells what files were called then
DIARY = "research/EXPERIMENTS.md"
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
CITING = [
    name
    for name in TRACKED
    if name.endswith((".py", ".md", ".toml", "Makefile")) and name not in (DIARY, "tests/unit/test_citations.py")
]
SECTION = re.compile(r"papers\.md(?:\)|`|,)* (?:section )?(\d+(?:\.\d+)?)(?: and (\d+(?:\.\d+)?))?")
DOCUMENT = re.compile(r"\b([\w/]*\bpapers\.md|design/[\w/.]+|[\w/]*peer_speed\.md|[\w/]*\bpeers\.md|docs/[\w/-]+\.md)")
FILE = re.compile(r"`((?:core|operators|panels|research|tests|vendor_models|docs)/[\w/.-]+\.(?:py|md|json))`")


def sections() -> set[str]:
    return set(re.findall(r"^##+ (\d+(?:\.\d+)?)\.? ", PAPERS.read_text(encoding="utf-8"), re.MULTILINE))


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CITING)
def test_cited_documents_and_files_are_in_the_repository(name: str) -> None:
    text = text_of(name)
    # NAME stands for what a reader is to put there
    for cited in (path for path in {*DOCUMENT.findall(text), *FILE.findall(text)} if "NAME" not in path):
        places = (ROOT / cited, (ROOT / name).parent / cited)
        assert any(place.is_file() for place in places), f"{name} cites {cited}, which is not in the repository"


def test_every_cited_section_of_papers_exists() -> None:
    known = sections()
    assert {"1.2", "1.3", "2.1", "2.2", "4", "5"} <= known
    cited = {number: name for name in CITING for pair in SECTION.findall(text_of(name)) for number in pair if number}
    assert cited, "no citation was found: the pattern is wrong"
    assert not {number: name for number, name in cited.items() if number not in known}
