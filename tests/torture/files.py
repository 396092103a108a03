# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings and files of our own, damaged in every way that a seed finds."""

from __future__ import annotations

import random
import time
from pathlib import Path

from core.client.client import EngineClient
from core.errors import MimeshError
from core.exchange.media_range import MediaRange
from tests.asking import ask
from tests.torture.bench import ROOT, Figures, engine, finished, leftovers, speech

_END_SECONDS = 3.0
INPUTS = (ROOT / "demo/input/speech.ogg", ROOT / "demo/input/reference.mp4")


def bad_inputs(folder: Path, count: int, seed: int, figures: Figures) -> None:
    """Cut, holed and mixed recordings as speech: a motion or a sentence, and the engine lives."""
    rng = random.Random(seed)
    wave = speech(folder)
    sources = [path.read_bytes() for path in (*INPUTS, wave)]
    with engine(folder) as client:
        process = None
        for index in range(count):
            path = folder / f"bad{rng.choice(('.wav', '.mp4', '.ogg', '.mp3', ''))}"
            path.write_bytes(damaged(rng.choice(sources)[:400_000], rng))
            _run(client, path, folder, f"input {index}", figures)
            path.unlink()
            process = process or client.ready
        if client.ready is not process:
            figures.problems.append("an input ended the engine")
    leftovers(folder, figures)


def bad_own_files(folder: Path, count: int, seed: int, figures: Figures) -> None:
    """Damaged styles and banks: a motion (the damage lay where nothing is read) or a sentence."""
    rng = random.Random(seed)
    path = speech(folder)
    style, bank = _style(folder), (ROOT / "vendor_models/pose_bank.safetensors").read_bytes()
    with engine(folder) as client:
        for index in range(count):
            bad = folder / "bad.safetensors"
            own = index % 2 == 0
            bad.write_bytes(damaged(style if own else bank, rng))
            chosen = {"style": bad} if own else {"bank": bad}
            _run(client, path, folder, f"{'style' if own else 'bank'} {index}", figures, **chosen)
    leftovers(folder, figures)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """One to three of: cut, bytes changed, a piece taken out, doubled, zeroed, the front changed, emptied."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        size = max(len(out), 1)
        begin, length = rng.randrange(size), rng.randrange(1, max(size // 4, 2))
        way = rng.randrange(7)
        if way == 0:
            del out[begin:]
        elif way == 1:
            for _ in range(rng.randint(1, 50)):
                if out:
                    out[rng.randrange(len(out))] = rng.randrange(256)
        elif way == 2:
            del out[begin : begin + length]
        elif way == 3:
            out[begin:begin] = out[begin : begin + length]
        elif way == 4:
            out[begin : begin + length] = bytes(min(length, len(out) - begin))
        elif way == 5:
            out[: min(64, len(out))] = rng.randbytes(min(64, len(out)))
        elif rng.random() < 0.1:
            out.clear()
    return bytes(out)


def _style(folder: Path) -> bytes:
    from tests.unit.test_style_file import full_style

    path = folder / "style.safetensors"
    full_style().save(path)
    return path.read_bytes()


def _run(
    client: EngineClient,
    path: Path,
    folder: Path,
    about: str,
    figures: Figures,
    end: float | None = None,
    **chosen: object,
) -> None:
    started = time.monotonic()
    try:
        finished(client.submit(ask(MediaRange(path, 0.0, _END_SECONDS), **chosen)), figures, about)  # type: ignore[arg-type]
    except MimeshError as error:
        figures.refusal(error, about)
    figures.took(time.monotonic() - started)
