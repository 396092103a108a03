# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines on the pipe: what is sent is what arrives, and nonsense never raises."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import MediaError, SettingsError
from core.exchange.media_range import MediaRange
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


@pytest.mark.parametrize(
    "line",
    [
        "",
        "W0000 00:00:17 inference_feedback_manager.cc:114] Feedback manager",
        "[1, 2]",
        "null",
        "{}",
        '{"type": "explode"}',
        '{"type": ["cancel"]}',
        '{"type": "cancel"}',
        '{"type": "cancel", "job": 7}',
        '{"type": "warm", "seconds": true}',
        '{"type": "warm", "seconds": "2"}',
        '{"type": "done", "job": "a", "result": null}',
        "[" * 100_000,
    ],
)
def test_nonsense_becomes_garbled(line: str) -> None:
    found = decode(line)
    assert isinstance(found, Garbled)
    assert found.reason
    assert len(found.excerpt) <= 200


def test_unknown_fields_are_ignored() -> None:
    assert decode('{"type": "cancel", "job": "a", "colour": "red"}') == Cancel("a")


def test_numbers_that_json_lacks_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        JobProgress("a", "track", float("nan")).to_json()


def test_error_keeps_kind_sentence_and_hint() -> None:
    sent = Failure.of("a", MediaError("No sound in x.mp4.", "Choose another."))
    received = decode(sent.to_json())
    assert isinstance(received, Failure)
    error = received.to_error()
    assert type(error) is MediaError
    assert (error.message, error.hint) == ("No sound in x.mp4.", "Choose another.")


def test_prints_of_libraries_never_reach_the_protocol() -> None:
    script = (
        "import os, subprocess, sys\n"
        "from core.engine.stdio import Outbox, claim_standard_streams\n"
        "from core.exchange.protocol import Warm\n"
        "print('early')\n"
        "channel = claim_standard_streams()\n"
        "print('python noise'); os.write(1, b'native noise\\n')\n"
        "subprocess.run([sys.executable, '-c', 'print(\"child noise\"); print(len(input()))'])\n"
        "Outbox(channel.outgoing).send(Warm(1.0))\n"
        "print('heard', channel.incoming.readline(), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input="hello\n", capture_output=True, text=True, cwd=ROOT, check=True
    )
    said = done.stdout.splitlines()
    assert said == ["early", json.dumps({"type": "warm", "seconds": 1.0}, separators=(",", ":"))]
    assert "python noise" in done.stderr and "native noise" in done.stderr and "child noise" in done.stderr
    assert "heard b'hello\\n'" in done.stderr


@pytest.mark.parametrize("start", [float("nan"), float("inf"), 0.0])
@pytest.mark.parametrize("end", [float("nan"), float("inf")])
def test_range_that_is_no_number_is_refused_in_a_sentence(start: float, end: float) -> None:
    with pytest.raises(SettingsError, match=r"of talk\.wav is (nan|inf); it must be a number"):
        MediaRange(Path("talk.wav"), start, end)


@pytest.mark.parametrize("seconds", ["NaN", "Infinity", "1e999", '"\\u0000"'])
def test_line_with_what_is_no_number_is_no_message(seconds: str) -> None:
    assert isinstance(decode(f'{{"type":"warm","seconds":{seconds}}}'), Garbled)
