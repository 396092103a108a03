# SPDX-License-Identifier: GPL-3.0-or-later
"""English speech by flite with the time of every phone; for training and evaluation only."""

from __future__ import annotations

import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np

from core.audio.speech import SAMPLE_RATE
from core.errors import EngineSetupError
from core.models.speech.articulation import SILENCE_NAME
from research.corpus.espeak import TimedSpeech
from research.corpus.phones import Phone

VOICES = ("slt", "awb", "rms")
# flite tells reduced vowels and the end's silence apart from ARPAbet's names
_ARPABET = {"pau": SILENCE_NAME, "ssil": SILENCE_NAME, "ax": "AH", "ix": "IH", "axr": "ER", "dx": "T"}


def flite_speech(text: str, voice: str) -> TimedSpeech:
    """``text`` read by one of ``VOICES``. Raises :class:`EngineSetupError` where flite is missing or refuses."""
    with tempfile.TemporaryDirectory(prefix="mimesh-flite-") as folder:
        path = Path(folder) / "speech.wav"
        phones = _phones(_run(["flite", "-voice", voice, "-psdur", "-t", text, "-o", str(path)]))
        with wave.open(str(path)) as file:
            if file.getframerate() != SAMPLE_RATE:
                raise EngineSetupError(
                    f"flite's voice {voice} has {file.getframerate()} Hz, not 16000.", f"Use one of {VOICES}."
                )
            samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    return TimedSpeech(samples, phones)


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise EngineSetupError(
            "Synthetic English needs flite, which this machine does not have.",
            "Install it: sudo apt-get install flite",
        ) from error
    if done.returncode:
        raise EngineSetupError(f"flite failed: {done.stderr.strip()}", "flite -lv lists the voices that it has.")
    return done.stdout


def _phones(listing: str) -> tuple[Phone, ...]:
    # "pau:0.174 m:0.261": names with the end of each in seconds
    phones, start = [], 0.0
    for entry in listing.split():
        name, end = entry.split(":")
        phones.append(Phone(_ARPABET.get(name, name.upper()), start, float(end)))
        start = float(end)
    return tuple(phones)
