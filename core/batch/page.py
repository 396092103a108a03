# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary of a batch as one HTML page beside its journal."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..files import whole_file
from .journal import Journal
from .row import Row

PAGE = "summary.html"
_STYLE = """
body { font: 14px sans-serif; margin: 2em; color: #222; background: #fff }
table { border-collapse: collapse } td, th { padding: .3em .8em; text-align: left; border-bottom: 1px solid #ddd }
.done { color: #186 } .failed { color: #b22 } .waiting { color: #888 } img { display: block; height: 64px }
"""


def write_page(journal: Journal, rows: Sequence[Row]) -> Path:
    """Rows with their state, what was said of them and a drawing; returns the page's path."""
    path = journal.folder / PAGE
    with whole_file(path) as partial, partial.open("w", encoding="utf-8") as file:
        for part in _parts(journal, rows):
            file.write(part)
    return path


def _parts(journal: Journal, rows: Sequence[Row]) -> Iterator[str]:
    words = [_word(journal, row) for row in rows]
    told = ", ".join(f"{words.count(word)} {word}" for word in ("done", "failed", "waiting"))
    yield f'<!doctype html><meta charset="utf-8"><title>Mimesh batch</title><style>{_STYLE}</style>'
    yield f"<h1>Mimesh batch</h1><p>{len(rows)} rows: {told}.</p>"
    yield "<table><tr><th>row<th>name<th>state<th>face<th>output<th>notes</tr>\n"
    for row, word in zip(rows, words, strict=True):
        cells = (str(row.number), html.escape(row.name), f'<span class="{word}">{word}</span>')
        drawn = _picture(journal.folder, row) if word == "done" else ""
        yield "<tr>" + "".join(f"<td>{cell}" for cell in (*cells, drawn, _link(row, word), _notes(journal, row)))
        yield "</tr>\n"
    yield "</table>\n"


def _word(journal: Journal, row: Row) -> str:
    state = journal.state(row)
    if state is None:
        return "waiting"
    return "failed" if state.event == "failed" else "done"


def _picture(folder: Path, row: Row) -> str:
    for ending, kind in (("png", "image/png"), ("svg", "image/svg+xml")):
        path = folder / "thumbnails" / f"{row.number:05d}.{ending}"
        if path.is_file():
            # within the page, which can then be mailed
            data = base64.b64encode(path.read_bytes()).decode()
            return f'<img alt="" src="data:{kind};base64,{data}">'
    return ""


def _link(row: Row, word: str) -> str:
    name = html.escape(str(row.out))
    return f'<a href="{html.escape(row.out.as_uri())}">{name}</a>' if word == "done" else name


def _notes(journal: Journal, row: Row) -> str:
    state = journal.state(row)
    facts = state.facts if state else {}
    said = [facts.get("message", ""), facts.get("hint", ""), *facts.get("notes", ())]
    return "<br>".join(html.escape(str(text)) for text in said if text)
