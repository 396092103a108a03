# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmark leaves behind: ``benchmark/report.html`` (one self-contained file) and ``results.json``."""

from __future__ import annotations

import datetime
import html
import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from research.evaluation.tables import Section
from research.paths import ROOT

BENCHMARK = ROOT / "benchmark"
# every random choice in the benchmark starts from this number
SEED = 0
_PACKAGES = ("torch", "numpy", "scipy", "av", "mediapipe", "bpy", "pocketsphinx")
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1080px;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;font-size:13px;margin:.4em 0}td,th{padding:2px 9px;text-align:right}
td:first-child,th:first-child{text-align:left}tr:nth-child(even){background:#f4f4f4}th{border-bottom:1px solid #999}
.note{color:#666;font-size:13px;margin:.2em 0}svg{max-width:100%;height:auto}h3{margin:1.4em 0 .2em;font-size:15px}
"""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where and with what the numbers were made."""

    date: str
    commit: str
    model: str
    hardware: str
    system: str
    python: str
    packages: dict[str, str]
    seed: int


def origin() -> Origin:
    """Of this run."""
    return Origin(
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=_commit(),
        model=model_hash(),
        hardware=hardware(),
        system=platform.platform(),
        python=platform.python_version(),
        packages={name: _version(name) for name in _PACKAGES},
        seed=SEED,
    )


def hardware() -> str:
    """Processor and cores, and the GPU where torch sees one."""
    import torch

    names = [line.split(":", 1)[1].strip() for line in _cpu_lines() if line.startswith("model name")]
    cpu = f"{names[0] if names else platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    return f"{cpu}, {torch.cuda.get_device_name()}" if torch.cuda.is_available() else cpu


def model_hash() -> str:
    """First digits of the expression network's file hash."""
    from core.models.adamesh.generate import EXPRESSION_FILE
    from core.weights import bundled, file_hash

    return file_hash(bundled(EXPRESSION_FILE))[:12]


def write_results(sections: Sequence[Section], folder: Path = BENCHMARK) -> list[Path]:
    """Both files; the parts that were not run are not in them."""
    folder.mkdir(parents=True, exist_ok=True)
    made = origin()
    results, page = folder / "results.json", folder / "report.html"
    content = {"origin": asdict(made), "sections": {section.name: section.data for section in sections}}
    results.write_text(json.dumps(content, indent=1, default=float) + "\n")
    page.write_text(_page(made, sections))
    return [page, results]


def _page(made: Origin, sections: Sequence[Section]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in made.packages.items() if version)
    facts = (
        f"{made.date}, commit {made.commit}, model {made.model}, seed {made.seed}. {made.hardware}. {made.system}, "
    )
    body = "".join(_section_html(section) for section in sections)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Mimesh benchmark</title>"
        f"<style>{_STYLE}</style><h1>Mimesh benchmark</h1>"
        f"<p class=note>{html.escape(facts)}Python {made.python}, {html.escape(packages)}. "
        "Made by <code>make benchmark</code>; every metric is defined in the docstrings of research/evaluation.</p>"
        f"{body}</html>\n"
    )


def _section_html(section: Section) -> str:
    tables = "".join(table.html() for table in section.tables)
    figures = "".join(f"<h3>{html.escape(figure.title)}</h3>{figure.svg}" for figure in section.figures)
    return f"<h2>{html.escape(section.name.capitalize())}</h2>{tables}{figures}"


def _commit() -> str:
    asked = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return asked.stdout.strip() or "unknown"


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.is_file() else []


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
