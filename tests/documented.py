# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command that README, CONTRIBUTING and docs name: in code blocks and between backticks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
# what the first word of a command may be, after what is set in the environment
PROGRAMS = ("make", "python", "torchrun", "pip", "blender", "mimesh", "git", "dask", "uv", "bash")
FENCE = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
# blocks without a language hold commands, as do a shell's
_SHELL = ("", "sh", "bash", "console")


@dataclass(frozen=True, slots=True, order=True)
class Documented:
    """A command as a page has it, its line breaks taken out and its remark cut off."""

    page: str
    text: str
    in_block: bool = False

    @property
    def words(self) -> list[str]:
        """Split at blanks, without what is set in the environment before it."""
        words = self.text.split()
        while words and re.fullmatch(r"[A-Z][A-Z0-9_]*=.*", words[0]):
            words = words[1:]
        return words


def commands(pages: list[Path] = PAGES) -> list[Documented]:
    """All of them in the order of the pages, each once a page."""
    return [command for page in pages for command in dict.fromkeys(_on(page))]


def block(page: str, language: str, number: int = 0) -> str:
    """A code block of a page, by its language."""
    found = [text for kind, text in FENCE.findall((ROOT / page).read_text(encoding="utf-8")) if kind == language]
    return found[number]


def _on(page: Path) -> Iterator[Documented]:
    name, text = page.relative_to(ROOT).as_posix(), page.read_text(encoding="utf-8")
    # in the order in which a reader comes to them
    for found in re.finditer(r"```(\w*)\n(.*?)```|`([^`]+)`", text, re.DOTALL):
        language, fenced, inline = found.groups()
        if inline is not None:
            command = Documented(name, " ".join(inline.split()))
            if len(command.words) > 1 and command.words[0] in PROGRAMS:
                yield command
        elif language in _SHELL:
            for line in fenced.replace("\\\n", " ").splitlines():
                if line.strip() and not line.startswith("#"):
                    yield Documented(name, " ".join(re.split(r"\s+# ", line)[0].split()), True)
