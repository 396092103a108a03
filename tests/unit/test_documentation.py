# SPDX-License-Identifier: GPL-3.0-or-later
"""The docs and the README: every link leads somewhere, every command can be given as it stands."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from core.cli.main import build_parser
from core.settings import MOTION_GROUPS, BakeSettings
from core.settings_schema import setting_fields
from tests.documented import PAGES, ROOT, Documented, commands

# in a sentence, at the foot of a page, and in HTML
LINK = re.compile(r"""\]\(([^)\s]+)\)|^\[[^\]]+\]:\s*(\S+)|(?:src|href)="([^"]+)\"""", re.MULTILINE)
# made from the code when the site is built
GENERATED = {"reference/commands.md", "reference/settings.md"}


def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_hooks", ROOT / ".ci" / "docs_hooks.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_repository_leads_to_a_file_and_its_heading(page: Path) -> None:
    text = without_code(page.read_text(encoding="utf-8"))
    for link in map("".join, LINK.findall(text)):
        target, _, heading = link.partition("#")
        if "://" in link or target in GENERATED:
            continue
        file = (page.parent / target) if target else page
        assert file.exists(), f"{page.name} links to {link}"
        if heading and file.suffix == ".md":
            assert heading in headings(file), f"{page.name} links to {link}"


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def headings(page: Path) -> set[str]:
    found = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in found}


OURS = sorted(
    {command for command in commands() if command.text.startswith(("python -m core ", "mimesh ", "blender "))}
)


@pytest.mark.parametrize("command", OURS, ids=lambda command: f"{command.page}: {command.text}"[:80])
def test_every_command_of_ours_is_understood_as_it_stands_in_the_docs(command: Documented) -> None:
    # run they are by tests/commands; what a render farm puts in is a number
    words = shlex.split(re.sub(r"#[A-Z_]+#", "1", command.text))
    marker = next((words.index(word) for word in ("core", "mimesh") if word in words), None)
    if marker is None:
        pytest.skip("Blender's own options alone")
    arguments = [word for word in words[marker + 1 :] if word != "--help"]
    if not arguments or "…" in arguments:
        pytest.skip("a form, no command")
    if len(arguments) == 1:
        # a command's name in a sentence
        assert arguments[0] in command_names()
        return
    build_parser().parse_args(arguments)


def command_names() -> set[str]:
    parser = build_parser()
    commands: Any = next(action for action in parser._actions if hasattr(action, "choices") and action.choices)
    return set(commands.choices)


def test_there_are_documented_commands_to_try() -> None:
    assert len(OURS) >= 3


def test_every_make_target_in_the_docs_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))
    named = {(command.page, command.words[1]) for command in commands() if command.words[0] == "make"}
    assert [(page, target) for page, target in named if target not in targets] == []


# tests reach no network: the hosts that were looked up by hand, on 2026-11-27, and what is not for following
HOSTS = {"arxiv.org", "extensions.blender.org", "developer.blender.org", "docs.blender.org"}
EXAMPLES = {"example.org"}


def test_links_to_other_sites_lead_where_somebody_has_looked() -> None:
    found = {
        (page.name, re.sub(r"^https?://([^/#]+).*", r"\1", link))
        for page in PAGES
        for link in map("".join, LINK.findall(page.read_text(encoding="utf-8")))
        if "://" in link
    }
    assert [(page, host) for page, host in found if host not in HOSTS | EXAMPLES] == []
    assert {host for _, host in found} >= HOSTS


def test_the_page_of_settings_has_every_setting_that_is_offered() -> None:
    page = hooks().settings_page()
    for group in (*MOTION_GROUPS.values(), BakeSettings):
        for item in setting_fields(group):
            assert (f"`{item.cli}`" in page) == item.setting.offered, item.name


def test_the_page_of_commands_has_every_command() -> None:
    page, parser = hooks().commands_page(), build_parser()
    assert all(f"## {parser.prog} {name}\n" in page for name in command_names())


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_is_committed_as_pages(tmp_path: Path) -> None:
    if importlib.util.find_spec("mkdocs") is None or importlib.util.find_spec("material") is None:
        pytest.skip("mkdocs-material is not installed")
    site = tmp_path / "site"
    run([sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)], ROOT)
    assert "fonts.googleapis" not in (site / "index.html").read_text(encoding="utf-8")
    # as `make pages` does
    run(["git", "init", "--quiet"], tmp_path)
    run([sys.executable, "-m", "ghp_import", "--no-jekyll", str(site)], tmp_path)
    committed = run(["git", "ls-tree", "-r", "--name-only", "gh-pages"], tmp_path).splitlines()
    assert {"index.html", "panel.html", "pictures/panel_adjust.png", ".nojekyll"} <= {*committed}


def run(command: list[str], folder: Path) -> str:
    names = {f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **names}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# pages for people at the panel: what is emphasised there in capitals is what a button, a field or a panel is called
USER_PAGES = ("panel", "getting-started", "troubleshooting", "faq", "recordings")
# Blender's own words, keys, and names of things
NOT_OURS = {
    *("N", "P", "F3", "F9", "Add", "Mesh", "Object", "Animation", "Strip", "Edit", "Preferences", "Get Extensions"),
    *("Install from Disk", "Add-ons", "Playback", "Sync to Audio", "Output", "Encoding", "Audio", "File", "Import"),
    *("AdaMesh", "Mimic", "Mimesh", "None", "Allow Online Access", "System"),
}


@pytest.mark.parametrize("page", USER_PAGES)
def test_what_the_pages_call_by_name_is_called_so_in_the_interface(page: str) -> None:
    spec = importlib.util.spec_from_file_location("extract_messages", ROOT / ".ci" / "extract_messages.py")
    assert spec is not None and spec.loader is not None
    extract = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(extract)
    known = extract.messages() | NOT_OURS
    text = re.sub(r"```.*?```", "", (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    named = [
        part.strip(" .:,?")
        for words in re.findall(r"\*{1,2}([^*\n]+(?:\n[^*\n]+)?)\*{1,2}", text)
        for part in words.replace("\n", " ").split(">")
    ]
    wrong = sorted({name for name in named if name[:1].isupper() and name not in known})
    assert wrong == []
    assert len(named) > 3 or page in ("faq", "recordings")
