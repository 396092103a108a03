# SPDX-License-Identifier: GPL-3.0-or-later
"""Sounds with loud stretches, and strips set as artists set them, in whatever words this Blender has."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from core.blender import compat

RATE = 16000
SECONDS = 4.0


def write_wav(path: Path, bursts: list[tuple[float, float]], seconds: float = SECONDS) -> Path:
    """Silence with loud stretches."""
    samples = np.zeros(int(seconds * RATE), np.int16)
    tone = (20000 * np.sign(np.sin(2 * np.pi * 500 * np.arange(len(samples)) / RATE + 0.1))).astype(np.int16)
    for begin, end in bursts:
        samples[int(begin * RATE) : int(end * RATE)] = tone[int(begin * RATE) : int(end * RATE)]
    return write_samples(path, samples)


def write_samples(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """One channel of 16-bit samples, with the standard library: this Python may have no PyAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def read_wav(path: Path) -> tuple[np.ndarray, int]:
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, file.getnchannels())
        return samples[:, 0].astype(int), file.getframerate()


def strips_of(scene: bpy.types.Scene) -> Any:
    return compat.strips_of(scene.sequence_editor or scene.sequence_editor_create())


def set_offsets(strip: Any, left: float, right: float) -> None:
    new = hasattr(strip, "left_handle_offset")
    setattr(strip, "left_handle_offset" if new else "frame_offset_start", left)
    setattr(strip, "right_handle_offset" if new else "frame_offset_end", right)


def set_span(strip: Any, left: int, right: int) -> None:
    new = hasattr(strip, "left_handle")
    # a handle cannot pass the other one
    for name in ("right", "left", "right"):
        plain = {"left": "frame_final_start", "right": "frame_final_end"}[name]
        setattr(strip, f"{name}_handle" if new else plain, left if name == "left" else right)


def into_meta(strip: Any, scene: bpy.types.Scene, channel: int) -> Any:
    meta = strips_of(scene).new_meta("Around", channel, 1)
    strip.move_to_meta(meta)
    set_span(meta, round(compat.strip_left(strip)), round(compat.strip_right(strip)))
    return meta
