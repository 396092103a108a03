# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines on the pipe: what is sent is what arrives, and nonsense never raises."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.exchange.protocol import (
    BankJob,
    Cancel,
    Failure,
    Garbled,
    GenerateJob,
    HeadJob,
    JobDone,
    JobProgress,
    Message,
    PictureJob,
    Ready,
    TrackJob,
    Warm,
    decode,
)

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = [
    GenerateJob("a1", "/tmp/a1", {"seed": 3, "audio": {"path": "ä.wav"}}),
    HeadJob("a1", "/tmp/a1", {"seed": 3}),
    BankJob("a1", "/tmp/a1", {"bank": "mine.safetensors"}),
    TrackJob("a2", "/tmp/a2", {"path": "clip.mp4", "start_seconds": 0.5}),
    PictureJob("a3", "/tmp/a3"),
    Cancel("a1"),
    Ready(1, "3.11.7", "/code", {"numpy": "1.26.4", "torch": None}),
    Warm(2.5),
    JobProgress("a1", "track", 0.25, None),
    JobProgress("a1", "track", 1, 0.5),
    JobDone("a1", {"notes": ["one"]}),
    Failure("a1", "media", "No sound.", ""),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.kind)
def test_message_survives_the_pipe(message: Message) -> None:
    line = message.to_json()
    assert "\n" not in line
    assert decode(line + "\n") == message


@pytest.mark.parametrize("seconds", ["NaN", "Infinity", "1e999", '"\\u0000"'])
def test_line_with_what_is_no_number_is_no_message(seconds: str) -> None:
    assert isinstance(decode(f'{{"type":"warm","seconds":{seconds}}}'), Garbled)
