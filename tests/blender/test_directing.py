# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done with the lines of a sheet: takes, pauses, styles over time, reports, keys edited by hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import FakeEngine, part  # noqa: E402
from tests.blender.line_keys import line_curves  # noqa: E402
from tests.blender.sheet_bench import (  # noqa: E402
    is_shifted,
    keys_between,
    line_actions,
    line_digest,
    line_keys,
    make_edit,
    move,
    states,
    tone,
    use_sheet_engine,
)


@pytest.fixture
def engine(extension: None) -> FakeEngine:
    """See :func:`use_sheet_engine`."""
    return use_sheet_engine()


def test_a_retake_changes_the_preview_range_alone_and_can_be_rejected(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    bpy.ops.mimesh.generate_sheet()
    scene = bpy.context.scene
    scene.mimesh.target = bpy.data.objects["Anna"]
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = 17, 27
    before = {name: line_digest(name) for name in names}
    outside, inside = keys_between(names[0], 17, 27)
    assert bpy.ops.mimesh.retake() == {"FINISHED"}
    assert len(engine.requests) == 4 + 5
    assert len({request.run.seed for request in engine.requests[4:]}) == 5
    seen = {keys_between(names[0], 17, 27)}
    for _ in range(4):
        assert bpy.ops.mimesh.show_take(step=1) == {"FINISHED"}
        seen.add(keys_between(names[0], 17, 27))
    assert {take[0] for take in seen} == {outside}
    assert len({take[1] for take in seen} | {inside}) == 6
    assert bpy.ops.mimesh.reject_takes() == {"FINISHED"}
    assert {name: line_digest(name) for name in names} == before
    assert states()[names[0]] == "done"
    bpy.ops.mimesh.retake()
    bpy.ops.mimesh.show_take(number=3)
    third = line_digest(names[0])
    assert bpy.ops.mimesh.accept_take() == {"FINISHED"}
    assert line_digest(names[0]) == third != before[names[0]]
    assert {name: line_digest(name) for name in names[1:]} == {name: before[name] for name in names[1:]}
    assert states()[names[0]] == "done"
    assert not [name for name in ("mimesh_retake", "mimesh_take_0") if name in bpy.data.objects["Anna"]]


def test_a_retake_without_a_line_in_the_range_is_one_sentence(engine: FakeEngine, tmp_path: Path) -> None:
    make_edit(tmp_path, 2)
    bpy.ops.mimesh.generate_sheet()
    scene = bpy.context.scene
    scene.mimesh.target = bpy.data.objects["Anna"]
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = 900, 920
    with pytest.raises(RuntimeError, match="no line of Mimesh between frames 900 and 920"):
        bpy.ops.mimesh.retake()


def test_pauses_are_filled_for_both_and_made_anew_as_a_whole(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    scene = bpy.context.scene
    scene.frame_end = 400
    bpy.ops.mimesh.generate_sheet()
    before = {name: line_digest(name) for name in names}
    asked = len(engine.requests)
    assert bpy.ops.mimesh.fill_pauses() == {"FINISHED"}
    made = engine.requests[asked:]
    assert made and all(request.listener for request in made)
    assert not any(request.listener for request in engine.requests[:asked])
    assert {name: line_digest(name) for name in names} == before

    def pauses() -> list[str]:
        found = {part("core.blender.read_animation").action_line(a) for a in bpy.data.actions if "mimesh" in a}
        return sorted(f"{line.face} {line.sound}" for line in found if line.sound.startswith("pause "))

    first = pauses()
    assert {text.split()[0] for text in first} == {"Anna", "Ben"}
    assert set(states().values()) == {"done"}
    assert bpy.ops.mimesh.fill_pauses() == {"FINISHED"}
    assert pauses() == first


def test_styles_over_time_ask_for_each_style_and_make_the_lines_stale(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 2)
    scene = bpy.context.scene
    bpy.ops.mimesh.generate_sheet()
    for name in ("calm", "angry"):
        (tmp_path / f"{name}.safetensors").write_bytes(name.encode())
        bpy.ops.mimesh.add_mixed_style()
        scene.mimesh_style_mix.styles[-1].style = str(tmp_path / f"{name}.safetensors")
    scene.frame_set(1)
    scene.mimesh_style_mix.active = 0
    bpy.ops.mimesh.key_mix()
    scene.frame_set(100)
    scene.mimesh_style_mix.active = 1
    bpy.ops.mimesh.key_mix()
    assert set(states().values()) == {"settings"}
    asked = len(engine.requests)
    assert bpy.ops.mimesh.generate_sheet() == {"FINISHED"}
    styles = [request.style.stem for request in engine.requests[asked:]]
    assert styles[:2] == ["calm", "angry"]
    assert set(states().values()) == {"done"}
    scene.mimesh_style_mix.active = 0
    bpy.ops.mimesh.remove_mixed_style()
    paths = [c.data_path for c in part("core.blender.compat").owner_curves(scene)]
    assert paths == ["mimesh_style_mix.styles[0].weight"]
    scene.mimesh_style_mix.use = False
    assert set(states().values()) == {"settings"}
    assert names


def test_a_report_tells_of_every_line(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 2)
    made = engine.answer

    def answer(request: object) -> object:
        result = made(request)
        seen = "ada.mp4: 10.0 s of face\n[####t] each a second (# usable, t turned)"
        return dataclasses.replace(result, provenance=dataclasses.replace(result.provenance, reference_quality=seen))

    engine.answer = answer
    bpy.ops.mimesh.generate_sheet()
    assert bpy.ops.mimesh.write_report(filepath=str(tmp_path / "report.html")) == {"FINISHED"}
    page = (tmp_path / "report.html").read_text("utf-8")
    assert all(Path(name).name in page for name in names)
    assert page.count("<h2>") == 2
    # what was seen of the reference, second by second
    assert page.count("[####t] each a second (# usable, t turned)") == 2


def test_ten_edited_keys_live_through_a_move_a_new_sound_and_a_retake(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    bpy.ops.mimesh.generate_sheet()
    scene, compat = bpy.context.scene, part("core.blender.compat")
    before = {name: line_digest(name) for name in names}
    edited = {}
    for curve in compat.action_curves(line_actions(names[0])[0])[2:12]:
        key = curve.keyframe_points[12]
        key.co[1] += 0.25
        key.type = "EXTREME"
        edited[curve.data_path, curve.array_index] = (key.co[0], key.co[1])
        curve.update()

    def kept(shift: float) -> int:
        found = 0
        for action in line_actions(names[0]):
            for curve in compat.action_curves(action):
                wanted = edited.get((curve.data_path, curve.array_index))
                keys = [k for k in curve.keyframe_points if k.type == "EXTREME"]
                found += wanted is not None and any(
                    abs(k.co[0] - wanted[0] - shift) < 0.01 and abs(k.co[1] - wanted[1]) < 1e-4 for k in keys
                )
        return found

    assert kept(0) == 10
    move(names[0], 6)
    bpy.ops.mimesh.generate_sheet()
    assert kept(6) == 10
    tone(tmp_path / "line0.wav", 0.21)
    assert states()[names[0]] == "sound"
    bpy.ops.mimesh.generate_sheet()
    assert kept(6) == 10
    assert states()[names[0]] == "edited"
    scene.mimesh.target = bpy.data.objects["Anna"]
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = 17, 40
    assert bpy.ops.mimesh.retake() == {"FINISHED"}
    assert kept(6) == 10
    bpy.ops.mimesh.accept_take()
    assert kept(6) == 10
    assert {name: line_digest(name) for name in names[1:]} == {name: before[name] for name in names[1:]}


def test_a_key_that_is_only_marked_stays_through_another_generation(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 1)
    bpy.ops.mimesh.generate_sheet()
    curve = line_curves(names[0])[3]
    key, path = curve.keyframe_points[12], curve.data_path
    key.type = "BREAKDOWN"
    wanted = (key.co[0], key.co[1])
    bpy.context.scene.mimesh.seed = 5
    bpy.ops.mimesh.generate_sheet()
    assert len(engine.requests) == 2
    keys = [
        k for c in line_curves(names[0]) if c.data_path == path for k in c.keyframe_points if k.type == "BREAKDOWN"
    ]
    assert [tuple(k.co) for k in keys] == [wanted]


def test_takes_follow_a_moved_strip_and_fall_with_a_new_generation(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 2)
    bpy.ops.mimesh.generate_sheet()
    scene, head = bpy.context.scene, bpy.data.objects["Anna"]
    scene.mimesh.target = head
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 17, 27
    before = line_keys(names[0])
    bpy.ops.mimesh.retake()
    move(names[0], 7)
    bpy.ops.mimesh.generate_sheet()
    bpy.ops.mimesh.show_take(number=2)
    assert bpy.ops.mimesh.reject_takes() == {"FINISHED"}
    assert is_shifted(before, names[0], 7)
    scene.frame_preview_start, scene.frame_preview_end = 24, 34
    bpy.ops.mimesh.retake()
    tone(tmp_path / "line0.wav", 0.21)
    bpy.ops.mimesh.generate_sheet()
    assert part("core.blender.takes").open_retake(head) is None
