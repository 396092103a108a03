# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit with two heads and lines of dialogue, for the tests of the sheet and of what is done with its lines."""

from __future__ import annotations

import hashlib
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from core.blender.correspond import store_binding  # noqa: E402
from core.face.basis import open_basis  # noqa: E402
from tests.blender.builders import RigChoice, build_rig, own_binding  # noqa: E402
from tests.blender.fake_engine import FakeEngine, part, talking, use_engine  # noqa: E402
from tests.blender.line_keys import keys_between, line_actions, line_digest, line_keys  # noqa: E402, F401
from tests.blender.session_looks import states  # noqa: E402, F401
from tests.face_fixtures import SyntheticFace  # noqa: E402


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


def is_shifted(before: tuple[list[str], Any], name: str, frames: float) -> bool:
    """Whether a line has the same keys so many frames later."""
    names, values = line_keys(name)
    return names == before[0] and np.allclose(values - [frames, 0, 0, 0], before[1], atol=1e-3)


def mouth_at(head: str, frame: int) -> list[float]:
    bpy.context.scene.frame_set(frame)
    keys = bpy.data.objects[head].data.shape_keys
    return [round(block.value, 4) for block in keys.key_blocks[1:6]]


def use_sheet_engine() -> FakeEngine:
    """A fake that speaks each sound in its own way."""
    return use_engine(FakeEngine(_spoken))
