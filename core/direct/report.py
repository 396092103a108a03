# SPDX-License-Identifier: GPL-3.0-or-later
"""A generation as one HTML file that needs nothing else: curves, a contact sheet, quality, settings.

Curves are inline SVG, pictures are PNG inside the page. Standard library and numpy.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.basis import open_basis
from ..face.closures import SHUT_CM, lip_gap
from ..face.motion import Motion
from ..face.region_chart import BROWS, LIDS, ROUNDING, region_chart
from ..face.series import runs
from ..png import png
from .picture import face_picture

_WIDTH, _HEIGHT = 900, 90
_COLOURS = ("#3b6fb6", "#c0562f", "#3f8f4f")
_PICTURES, _PIXELS = 8, 128
_STYLE = """body{font:15px/1.45 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}
h1{font-size:1.4em}h2{font-size:1.1em;margin-top:1.6em}svg{width:100%;height:auto;background:#f6f6f4}
table{border-collapse:collapse}td,th{padding:.15em .8em .15em 0;text-align:left;vertical-align:top}
td{white-space:pre-line}
figure{display:inline-block;margin:0 .4em .4em 0}figcaption,small{color:#666;font-size:.85em}
.bar{fill:#c0562f;opacity:.35}"""


@dataclass(frozen=True, slots=True)
class Curve:
    """A line in a chart. values: (T,)."""

    label: str
    values: NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One line of speech. facts: what was made of what, in the order in which it is shown. notes: sentences."""

    title: str
    motion: Motion
    facts: Mapping[str, str]
    notes: Sequence[str] = ()


def report_page(title: str, lines: Sequence[ReportLine], reference: bytes = b"") -> str:
    """The whole page. reference: a PNG of the clip with its landmarks."""
    parts = "\n".join(_section(line) for line in lines)
    if reference:
        parts += f"\n<h2>Reference as it was tracked</h2>\n{_picture(reference, 'reference with landmarks')}"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>{html.escape(title)}</h1>\n{parts}\n</body></html>\n"
    )


def _section(line: ReportLine) -> str:
    motion, basis, fps = line.motion, open_basis(), line.motion.fps
    chart = region_chart(basis)
    signals = motion.face_vector() @ chart.signals
    gap = lip_gap(basis, motion)
    degrees = np.degrees(motion.head)
    shut = gap < SHUT_CM
    facts = {**line.facts, "Closures": f"{len(runs(shut))} in {motion.seconds:.1f} s"}
    facts["Lip gap"] = f"{gap.mean():.2f} cm on average, {gap.max():.2f} cm at most"
    rows = "".join(f"<tr><th>{html.escape(k)}</th><td>{html.escape(v)}</td></tr>" for k, v in facts.items())
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in line.notes)
    charts = (
        _chart("Lips: gap in cm; bars where they are shut", [Curve("gap", gap)], fps, shut),
        _chart("Lips forwards, in cm", [_curve("rounding", signals, ROUNDING)], fps),
        _chart(
            "Brows up and lids open, in cm",
            [Curve("brows", signals[:, BROWS]), Curve("lids", signals[:, LIDS])],
            fps,
        ),
        _chart(
            "Head in degrees",
            [Curve(name, degrees[:, axis]) for axis, name in enumerate(("pitch", "yaw", "roll about the nose"))],
            fps,
        ),
    )
    return (
        f"<h2>{html.escape(line.title)}</h2>\n<table>{rows}</table>\n{_contact_sheet(motion)}\n{''.join(charts)}\n"
        + (f"<ul>{notes}</ul>" if notes else "")
    )


def _curve(label: str, signals: NDArray[np.floating], column: int) -> Curve:
    return Curve(label, signals[:, column])


def _picture(data: bytes, words: str) -> str:
    return f'<img alt="{html.escape(words)}" src="data:image/png;base64,{base64.b64encode(data).decode()}">'


def _contact_sheet(motion: Motion) -> str:
    frames = np.linspace(0, len(motion) - 1, min(_PICTURES, len(motion))).round().astype(int)
    return "".join(
        f'<figure><img alt="frame {frame}" width="{_PIXELS}" src="data:image/png;base64,'
        f'{base64.b64encode(png(face_picture(motion, int(frame), _PIXELS))).decode()}">'
        f"<figcaption>{frame / motion.fps:.2f} s</figcaption></figure>"
        for frame in frames
    )


def _chart(title: str, curves: Sequence[Curve], fps: float, shut: NDArray[np.bool_] | None = None) -> str:
    """Curves over time in one box, with the range of their values."""
    every = np.concatenate([curve.values for curve in curves])
    low, high = float(every.min()), float(every.max())
    room = max(high - low, 1e-3)
    count = len(curves[0].values)
    x = np.arange(count) / max(count - 1, 1) * _WIDTH
    bars = (
        ""
        if shut is None
        else "".join(
            f'<rect class="bar" x="{x[start]:.1f}" width="{max(x[end - 1] - x[start], 1.5):.1f}" height="{_HEIGHT}"/>'
            for start, end in runs(shut)
        )
    )
    drawn, names = [], []
    for curve, colour in zip(curves, _COLOURS, strict=False):
        y = _HEIGHT - (np.asarray(curve.values, np.float64) - low) / room * (_HEIGHT - 8) - 4
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        drawn.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.3" points="{points}"/>')
        names.append(f'<span style="color:{colour}">{html.escape(curve.label)}</span>')
    told = f"{', '.join(names)}; {low:.2f} to {high:.2f}; {count / fps:.1f} s"
    return (
        f"<p><small>{html.escape(title)} ({told})</small><br>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(title)}">{bars}{"".join(drawn)}'
        "</svg></p>"
    )
