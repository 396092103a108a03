# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's figures as inline SVG. matplotlib is needed here and nowhere else."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.face.motion import INTERNAL_FPS
from research.evaluation.closures import closed_below, closures
from research.evaluation.regions import REGIONS, RegionRatios
from research.evaluation.tables import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

_COLOURS = ("#1b6ca8", "#e07a1f", "#3a923a", "#8a5fb0", "#888888", "#c23b3b")
_TRUTH = "#222222"


def error_per_person(errors: Mapping[str, Mapping[str, float]], people: Sequence[str]) -> Figure:
    """errors[system][person] in millimetres, as groups of bars."""
    canvas, axes = _canvas(max(6.0, 0.75 * len(people) + 2), 3.2)
    width = 0.8 / max(len(errors), 1)
    for index, (system, by_person) in enumerate(errors.items()):
        heights = [by_person.get(person, np.nan) for person in people]
        place = np.arange(len(people)) + (index - (len(errors) - 1) / 2) * width
        axes.bar(place, heights, width, label=system, color=_COLOURS[index % len(_COLOURS)])
    axes.set_xticks(range(len(people)), people, rotation=35, ha="right", fontsize=7)
    axes.set_ylabel("lip error, mm")
    _legend(axes, 3)
    return _finished("Lip error per person", canvas)


def opening_curves(title: str, truth: NDArray, systems: Mapping[str, NDArray]) -> Figure:
    """Mouth opening over time in centimetres; the person's closures are shaded."""
    canvas, axes = _canvas(9.0, 2.6)
    seconds = np.arange(len(truth)) / INTERNAL_FPS
    for closure in closures(truth, closed_below(truth)):
        axes.axvspan((closure.first - 0.5) / INTERNAL_FPS, (closure.last + 0.5) / INTERNAL_FPS, color="#dddddd", lw=0)
    axes.plot(seconds, truth, color=_TRUTH, lw=1.8, label="tracked")
    for index, (name, values) in enumerate(systems.items()):
        axes.plot(seconds[: len(values)], values[: len(truth)], color=_COLOURS[index], lw=1.1, label=name)
    axes.set_xlabel("seconds")
    axes.set_ylabel("opening, cm")
    _legend(axes, 4)
    return _finished(title, canvas)


def amplitude_bars(ratios: Mapping[str, RegionRatios]) -> Figure:
    """Amplitude of every region against the person's own, 1 is right."""
    canvas, axes = _canvas(8.0, 2.8)
    width = 0.8 / max(len(ratios), 1)
    for index, (system, values) in enumerate(ratios.items()):
        place = np.arange(len(REGIONS)) + (index - (len(ratios) - 1) / 2) * width
        axes.bar(
            place,
            [getattr(values, name) for name in REGIONS],
            width,
            label=system,
            color=_COLOURS[index % len(_COLOURS)],
        )
    axes.axhline(1.0, color=_TRUTH, lw=1)
    axes.set_xticks(range(len(REGIONS)), REGIONS)
    axes.set_ylabel("amplitude / true")
    _legend(axes, 3)
    return _finished("Amplitude per region", canvas)


def pose_trajectories(person: str, truth: NDArray, generated: NDArray) -> Figure:
    """Pitch, yaw and roll in degrees: the person's own and the generated head."""
    canvas, axes = _canvas(9.0, 2.6)
    for index, axis in enumerate(("nod", "turn", "tilt")):
        for values, style in ((truth, "-"), (generated, "--")):
            seconds = np.arange(len(values)) / INTERNAL_FPS
            label = f"{axis}, {'tracked' if style == '-' else 'generated'}"
            axes.plot(seconds, np.degrees(values[:, index]), style, color=_COLOURS[index], lw=1.1, label=label)
    axes.set_xlabel("seconds")
    axes.set_ylabel("degrees")
    _legend(axes, 3)
    return _finished(f"Head of {person}", canvas)


def growth_lines(title: str, seconds: Sequence[float], values: Sequence[float], unit: str) -> Figure:
    """One measured quantity over the length of the speech, both logarithmic."""
    canvas, axes = _canvas(5.0, 2.6)
    axes.loglog(seconds, values, "o-", color=_COLOURS[0])
    axes.set_xlabel("seconds of speech")
    axes.set_ylabel(unit)
    return _finished(title, canvas)


def _legend(axes: Axes, columns: int) -> None:
    # above the axes: curves fill the whole picture
    axes.legend(fontsize=7, ncols=columns, loc="lower left", bbox_to_anchor=(0.0, 1.0), frameon=False)


def _canvas(width: float, height: float) -> tuple[Canvas, Axes]:
    # the object interface: pyplot would keep global state and look for a display
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(width, height), layout="constrained")
    axes = canvas.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return canvas, axes


def _finished(title: str, canvas: Any) -> Figure:
    import matplotlib

    buffer = io.StringIO()
    # fixed ids and no date: the same numbers give the same file
    with matplotlib.rc_context({"svg.hashsalt": "mimesh"}):
        canvas.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return Figure(title, text[text.index("<svg") :])
