# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialogue sheet in a real Blender: one pass over the edit, and exactly what should change changes."""

from __future__ import annotations

import hashlib
import json
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow
bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from core.blender.correspond import store_binding  # noqa: E402
from core.face.basis import open_basis  # noqa: E402
from tests.blender.builders import RigChoice, build_rig, own_binding  # noqa: E402
from tests.blender.fake_engine import FakeEngine, disable_checkout, enable_checkout, part, talking  # noqa: E402
from tests.face_fixtures import SyntheticFace  # noqa: E402
from tests.pace import pace_seconds  # noqa: E402


def small_face() -> SyntheticFace:
    """The landmarks of the open face basis, a small triangle for each: quick, and like a face."""
    basis = open_basis()
    corner = np.array([[0.0, 0.05, 0.0], [0.05, -0.03, 0.0], [-0.05, -0.03, 0.0]])
    vertices = (basis.neutral[:, None].astype(np.float64) + corner).reshape(-1, 3)
    return SyntheticFace(vertices, np.arange(len(vertices), dtype=np.int32).reshape(-1, 3), basis)


FACE = small_face()
WITH_SOUND = bool(bpy.app.build_options.audaspace)
SECONDS = 1.0
GAP_FRAMES = 60


@pytest.fixture
def extension() -> Iterator[None]:
    """The checkout, enabled."""
    enable_checkout()
    yield
    disable_checkout()


@pytest.fixture
def engine(extension: None) -> FakeEngine:
    """A fake that speaks each sound in its own way."""
    fake = FakeEngine(_spoken)
    part("operators.engine_access").use_engine_maker(lambda python, code_root, job_root: fake)
    return fake


def _spoken(request: Any) -> Any:
    result = talking(request, SECONDS)
    # every sound and every seed has a motion of its own
    content = request.audio.path.read_bytes() + str(request.run.seed).encode()
    rng = np.random.default_rng(int(hashlib.sha256(content).hexdigest()[:8], 16))
    part_motion = result.motion
    noise = rng.uniform(0.0, 0.3, part_motion.expression.shape).astype(np.float32)
    motion = part_motion.replace(expression=part_motion.expression + noise)
    return part("core.exchange.results").MotionResult(motion, None, None, {}, result.provenance)


def tone(path: Path, pitch: float) -> Path:
    samples = (np.sin(np.arange(int(SECONDS * 16000)) * pitch) * 9000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, len(samples), "NONE", ""))
        file.writeframes(samples.tobytes())
    return path


def strips() -> Any:
    editor = bpy.context.scene.sequence_editor_create()
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def make_edit(folder: Path, count: int) -> list[str]:
    """Two heads; lines in turn, as strips on a channel each, or as files where this Blender has no sound."""
    scene = bpy.context.scene
    heads = []
    for number, name in enumerate(("Anna", "Ben")):
        head = build_rig(FACE, RigChoice(name=name))
        head.parent.location.x = float(number)
        store_binding(head, own_binding(FACE))
        heads.append(head)
    scene.mimesh.reference_kind = "none"
    names = []
    for number in range(count):
        path = tone(folder / f"line{number}.wav", 0.03 + 0.01 * number)
        first = 11 + GAP_FRAMES * number
        if WITH_SOUND:
            strip = strips().new_sound(f"line{number}", str(path), channel=1 + number % 2, frame_start=first)
            names.append(strip.name)
        else:
            item = scene.mimesh_sheet.lines.add()
            item.kind, item.source, item.first_frame = "file", str(path), first
            names.append(str(path))
    if WITH_SOUND:
        assert bpy.ops.mimesh.collect_lines() == {"FINISHED"}
    for number, item in enumerate(scene.mimesh_sheet.lines):
        item.character = heads[number % 2]
    return names


def place(name: str) -> Any:
    return next(item for item in bpy.context.scene.mimesh_sheet.lines if item.source == name)


def move(name: str, frames: int) -> None:
    if not WITH_SOUND:
        place(name).first_frame += frames
        return
    strip = strips()[name]
    attribute = "content_start" if hasattr(strip, "content_start") else "frame_start"
    setattr(strip, attribute, getattr(strip, attribute) + frames)


def states() -> dict[str, str]:
    found = part("operators.sheet_watch").refresh_states(bpy.context)
    return {item.source: s.state for item, s in zip(bpy.context.scene.mimesh_sheet.lines, found, strict=True)}


def line_actions(name: str) -> list[Any]:
    read = part("core.blender.read_animation")
    return [a for a in bpy.data.actions if "mimesh" in a and read.action_line(a).sound == name]


def line_keys(name: str) -> tuple[list[str], Any]:
    """Every key of a line: its curve and type, and (n, 4) frame, value and the handles' values."""
    names, values = [], []
    for action in sorted(line_actions(name), key=lambda action: action.name):
        for curve in part("core.blender.compat").action_curves(action):
            for key in curve.keyframe_points:
                names.append(f"{curve.data_path}[{curve.array_index}] {key.type}")
                values.append([*key.co, key.handle_left[1], key.handle_right[1]])
    return names, np.array(values)


def line_digest(name: str) -> str:
    """Of every key of a line, its handles and its type."""
    names, values = line_keys(name)
    return hashlib.sha256("".join(names).encode() + values.astype(np.float32).tobytes()).hexdigest()


def is_shifted(before: tuple[list[str], Any], name: str, frames: float) -> bool:
    """Whether a line has the same keys so many frames later."""
    names, values = line_keys(name)
    return names == before[0] and np.allclose(values - [frames, 0, 0, 0], before[1], atol=1e-3)


def mouth_at(head: str, frame: int) -> list[float]:
    bpy.context.scene.frame_set(frame)
    keys = bpy.data.objects[head].data.shape_keys
    return [round(block.value, 4) for block in keys.key_blocks[1:6]]


def test_eight_lines_of_two_characters_in_one_pass(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 8)
    assert set(states().values()) == {"new"}
    assert bpy.ops.mimesh.generate_sheet() == {"FINISHED"}
    assert len(engine.requests) == 8
    assert set(states().values()) == {"done"}
    assert len({line_digest(name) for name in names}) == 8
    for number, name in enumerate(names):
        first = 11 + GAP_FRAMES * number
        assert any(mouth_at("AB"[number % 2] + ("nna", "en")[number % 2], first + 8)), name
    assert bpy.ops.mimesh.generate_sheet() == {"FINISHED"}
    assert len(engine.requests) == 8, "what is up to date is not made again"


def test_a_moved_strip_takes_its_keys_along_without_the_engine(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 8)
    bpy.ops.mimesh.generate_sheet()
    before = {name: line_digest(name) for name in names}
    keys = line_keys(names[2])
    pose = mouth_at("Anna", 11 + GAP_FRAMES * 2 + 8)
    move(names[2], 7)
    assert {name for name, state in states().items() if state == "moved"} == {names[2]}
    bpy.ops.mimesh.generate_sheet()
    assert len(engine.requests) == 8
    assert set(states().values()) == {"done"}
    assert is_shifted(keys, names[2], 7)
    assert {n: line_digest(n) for n in names if n != names[2]} == {n: d for n, d in before.items() if n != names[2]}
    assert mouth_at("Anna", 11 + GAP_FRAMES * 2 + 8 + 7) == pose


def test_a_line_may_be_moved_past_another(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 8)
    bpy.ops.mimesh.generate_sheet()
    pose = mouth_at("Anna", 11 + 8)
    before = line_keys(names[0])
    move(names[0], GAP_FRAMES * 3)
    bpy.ops.mimesh.generate_sheet()
    assert is_shifted(before, names[0], GAP_FRAMES * 3)
    assert mouth_at("Anna", 11 + GAP_FRAMES * 3 + 8) == pose
    assert not any(mouth_at("Anna", 11 + 8))


def test_a_changed_sound_is_made_again_and_nothing_else(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    bpy.ops.mimesh.generate_sheet()
    before = {name: line_digest(name) for name in names}
    tone(tmp_path / "line1.wav", 0.2)
    assert {name for name, state in states().items() if state == "sound"} == {names[1]}
    bpy.ops.mimesh.generate_sheet()
    assert len(engine.requests) == 5
    after = {name: line_digest(name) for name in names}
    assert {name for name in names if after[name] != before[name]} == {names[1]}


def test_another_style_or_engine_of_a_line_concerns_that_line_alone(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    bpy.ops.mimesh.generate_sheet()
    place(names[3]).engine = "mimic" if bpy.context.scene.mimesh.engine != "mimic" else "adamesh"
    assert {name for name, state in states().items() if state == "settings"} == {names[3]}
    bpy.context.scene.mimesh.seed = 9
    assert set(states().values()) == {"settings"}


def test_edited_keys_are_told_and_a_locked_line_is_left_alone(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    bpy.ops.mimesh.generate_sheet()
    curve = part("core.blender.compat").action_curves(line_actions(names[0])[0])[3]
    curve.keyframe_points[9].co[1] += 0.5
    assert {name for name, state in states().items() if state == "edited"} == {names[0]}
    place(names[0]).locked = True
    edited = line_digest(names[0])
    bpy.context.scene.mimesh.seed = 5
    bpy.ops.mimesh.generate_sheet()
    assert line_digest(names[0]) == edited
    assert {name for name, state in states().items() if state == "done"} == set(names[1:])


def test_edited_keys_move_with_their_strip_and_stay_edited(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    bpy.ops.mimesh.generate_sheet()
    curve = part("core.blender.compat").action_curves(line_actions(names[0])[0])[3]
    curve.keyframe_points[9].co[1] += 0.5
    curve.update()
    edited = line_keys(names[0])
    move(names[0], -3)
    bpy.ops.mimesh.generate_sheet()
    assert is_shifted(edited, names[0], -3)
    assert states()[names[0]] == "edited"


def test_one_line_that_cannot_be_made_does_not_stop_the_others(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    place(names[1]).character = None
    assert states()[names[1]] == "blocked"
    assert bpy.ops.mimesh.generate_sheet() == {"FINISHED"}
    result = bpy.context.window_manager.mimesh_run.result
    assert "3 generated, 1 failed" in result
    assert "Choose the character" in result


def test_save_and_reopen_keep_the_sheet_and_its_states(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    bpy.ops.mimesh.generate_sheet()
    place(names[1]).note = "whisper this"
    move(names[2], 4)
    before = states()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "session.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "session.blend"))
    assert states() == before
    assert place(names[1]).note == "whisper this"
    assert len(engine.requests) == 4


def test_the_sheet_goes_out_as_json_and_comes_back(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    place(names[1]).note = "Größer"
    place(names[2]).locked = True
    before = part("core.blender.sheet.properties").lines_of(bpy.context.scene)
    assert bpy.ops.mimesh.export_sheet(filepath=str(tmp_path / "sheet.json")) == {"FINISHED"}
    bpy.context.scene.mimesh_sheet.lines.clear()
    assert bpy.ops.mimesh.import_sheet(filepath=str(tmp_path / "sheet.json")) == {"FINISHED"}
    assert part("core.blender.sheet.properties").lines_of(bpy.context.scene) == before
    text = (tmp_path / "sheet.json").read_text("utf-8").replace('"Ben"', '"Nobody"')
    (tmp_path / "sheet.json").write_text(text, "utf-8")
    with pytest.raises(RuntimeError, match="Nobody"):
        bpy.ops.mimesh.import_sheet(filepath=str(tmp_path / "sheet.json"))
    assert part("core.blender.sheet.properties").lines_of(bpy.context.scene) == before


def test_undo_takes_back_one_pass_after_another(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    push = bpy.ops.ed.undo_push
    push(message="edit")
    bpy.ops.mimesh.generate_sheet()
    push(message="pass")
    first = {name: line_digest(name) for name in names}
    move(names[2], 4)
    push(message="move")
    bpy.ops.mimesh.generate_sheet()
    push(message="second pass")
    assert line_digest(names[2]) != first[names[2]]
    bpy.ops.ed.undo()
    assert {name: line_digest(name) for name in names} == first
    assert states()[names[2]] == "moved"
    bpy.ops.ed.undo()
    assert states()[names[2]] == "done"
    bpy.ops.ed.undo()
    assert set(states().values()) == {"new"}


def keys_between(name: str, first: float, last: float) -> tuple[str, str]:
    """Digests of a line's keys outside and inside of some frames."""
    outside, inside = hashlib.sha256(), hashlib.sha256()
    for action in sorted(line_actions(name), key=lambda action: action.name):
        for curve in part("core.blender.compat").action_curves(action):
            for key in curve.keyframe_points:
                text = f"{curve.data_path}[{curve.array_index}] {key.co[0]:.2f} {key.co[1]:.5f}"
                (inside if first <= key.co[0] <= last else outside).update(text.encode())
    return outside.hexdigest(), inside.hexdigest()


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
    bpy.ops.mimesh.generate_sheet()
    assert bpy.ops.mimesh.write_report(filepath=str(tmp_path / "report.html")) == {"FINISHED"}
    page = (tmp_path / "report.html").read_text("utf-8")
    assert all(Path(name).name in page for name in names)
    assert page.count("<h2>") == 2


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


def test_two_hundred_lines_are_judged_in_a_second(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 2)
    scene, watch = bpy.context.scene, part("operators.sheet_watch")
    bpy.ops.mimesh.generate_sheet()
    owner = bpy.data.objects["Anna"].data.shape_keys
    source = line_actions(names[0])[0]
    for number in range(2, 200):
        path = tone(tmp_path / f"more{number}.wav", 0.03 + 0.001 * number)
        item = scene.mimesh_sheet.lines.add()
        item.kind, item.source, item.character = "file", str(path), bpy.data.objects["Anna"]
        item.first_frame = 11 + GAP_FRAMES * number
        # as if made: the same keys under the line's own name
        action = source.copy()
        action["mimesh_line"] = json.dumps({**json.loads(action["mimesh_line"]), "sound": item.source})
        strip = owner.animation_data.nla_tracks.new().strips.new("line", 11 + GAP_FRAMES * number, action)
        if hasattr(strip, "action_slot"):
            strip.action_slot = next(slot for slot in action.slots if slot.target_id_type == "KEY")
    started = time.process_time()
    found = watch.refresh_states(bpy.context)
    # of the processor, since the machine may be busy with something else
    assert time.process_time() - started < 10 * pace_seconds()
    assert len(found) == 200
    assert {status.state for status in found} == {"done", "sound"}
