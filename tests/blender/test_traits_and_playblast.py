# SPDX-License-Identifier: GPL-3.0-or-later
"""Traits of a saved style by their operators, and the film of a face with its sound."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import (  # noqa: E402
    FakeEngine,
    disable_checkout,
    enable_checkout,
    one_click_away,
    part,
    talking,
    use_engine,
)
from tests.blender.sheet_bench import WITH_SOUND, make_edit, use_sheet_engine  # noqa: E402
from tests.blender.style_bench import a_style, enabled_with_library, keep, refused  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Path]:
    """The checkout, enabled, with the styles Ada and Bob in a library of its own."""
    with enabled_with_library(tmp_path / "library"):
        for name in ("Bob", "Ada"):
            keep(a_style(name), name)
        yield tmp_path / "library"


@pytest.fixture
def engine(library: Path, tmp_path: Path) -> FakeEngine:
    """A face, a speech, and an engine whose mouth opens twice as far in a style as without one."""

    def speak(request: Any) -> Any:
        result = talking(request)
        factor = np.float32(1.0 if request.style else 0.5)
        motion = result.motion.replace(jaw=factor * result.motion.jaw, expression=0 * result.motion.expression)
        return dataclasses.replace(result, motion=motion)

    one_click_away(tmp_path)
    return use_engine(FakeEngine(speak))


def kept_style(library: Path, name: str) -> Any:
    return part("core.style.style").Style.load(library / f"{name}.safetensors")


def select(name: str) -> None:
    part("operators.style_list").refresh_styles(bpy.context, name)


def test_traits_are_measured_beside_the_average_and_kept_with_the_style(engine: FakeEngine, library: Path) -> None:
    select("Ada")
    assert bpy.ops.mimesh.measure_traits() == {"FINISHED"}
    assert [request.style is not None for request in engine.requests] == [True, False]
    assert all(request.reference is None for request in engine.requests)
    measured = part("core.style.traits").style_measures(kept_style(library, "Ada"))
    assert measured["person"].opening > 1.5 * measured["average"].opening
    rows = part("operators.traits").traits_rows(bpy.context)
    assert rows[0].startswith("Opening: ") and rows[0].endswith(" x average")
    assert part("core.style.traits").style_measures(kept_style(library, "Bob")) == {}


def test_amounts_are_written_into_the_style_and_told(engine: FakeEngine, library: Path) -> None:
    select("Ada")
    bpy.ops.mimesh.measure_traits()
    assert bpy.ops.mimesh.adjust_traits(opening=1.3, blinks=0.5) == {"FINISHED"}
    amounts = part("core.style.traits").style_amounts(kept_style(library, "Ada"))
    assert (amounts.opening, amounts.blinks, amounts.nods) == (1.3, 0.5, 1.0)
    assert part("operators.traits").traits_rows(bpy.context)[0].endswith(", times 1.30")


def test_copying_needs_both_measured_and_changes_the_chosen_traits_alone(engine: FakeEngine, library: Path) -> None:
    select("Ada")
    before = (library / "Ada.safetensors").read_bytes()
    refused(bpy.ops.mimesh.copy_traits, 'The traits of "Ada" are not measured', other="Bob")
    assert (library / "Ada.safetensors").read_bytes() == before
    bpy.ops.mimesh.measure_traits()
    refused(bpy.ops.mimesh.copy_traits, 'The traits of "Bob" are not measured', other="Bob")
    select("Bob")
    bpy.ops.mimesh.measure_traits()
    bpy.ops.mimesh.adjust_traits(nods=1.4)
    assert bpy.ops.mimesh.copy_traits(other="Ada", traits={"opening"}) == {"FINISHED"}
    amounts = part("core.style.traits").style_amounts(kept_style(library, "Bob"))
    # both were measured on one voice, so that only what was chosen before remains
    assert amounts.opening == pytest.approx(1.0, abs=0.02)
    assert amounts.nods == 1.4


def test_a_playblast_is_a_film_of_the_range_with_the_edits_sound(tmp_path: Path) -> None:
    enable_checkout()
    try:
        use_sheet_engine()
        make_edit(tmp_path, 1)
        bpy.ops.mimesh.generate_sheet()
        scene = bpy.context.scene
        scene.mimesh.target = bpy.context.scene.mimesh_sheet.lines[0].character
        scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 12, 19
        scene.mimesh.reference_kind, scene.mimesh.reference_file = "file", str(tmp_path / "gone.mp4")
        scene.frame_set(5)
        film = tmp_path / "a film.mp4"
        assert bpy.ops.mimesh.playblast(filepath=str(film)) == {"FINISHED"}
        assert (scene.frame_current, len(bpy.data.scenes)) == (5, 1)
        clip = bpy.data.movieclips.load(str(film))
        assert (clip.frame_duration, *clip.size) == (8, 320, 320)
        # of these Pythons one can decode
        if WITH_SOUND and importlib.util.find_spec("av"):
            assert moves_with_sound(film)
    finally:
        disable_checkout()


def moves_with_sound(film: Path) -> bool:
    import av

    with av.open(str(film)) as container:
        pictures = [frame.to_ndarray(format="rgb24").astype(float) for frame in container.decode(video=0)]
        sounds = bool(container.streams.audio)
    return sounds and float(np.abs(pictures[0] - pictures[-1]).max()) > 20.0
