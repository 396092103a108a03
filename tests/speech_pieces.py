# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of a recording as the lines of an edit, for sessions with the real engine.

``PYTHONPATH=. python tests/speech_pieces.py SPEECH FOLDER SECONDS`` writes line0.wav to line7.wav and other.wav.
"""

from __future__ import annotations

import sys
import wave
from pathlib import Path

from core.audio.decode import load_speech
from core.audio.speech import SAMPLE_RATE

LINES = 8
# the last is another sound for a line that is there
BEGINS = {**{f"line{number}": 1.0 * number for number in range(LINES)}, "other": 0.5}


def write_pieces(speech: Path, folder: Path, seconds: float) -> dict[str, Path]:
    """Cut them, 16 kHz mono, by name."""
    whole, found = load_speech(speech), {}
    for name, begin in BEGINS.items():
        first = round(begin * SAMPLE_RATE)
        samples = whole.samples[first : first + round(seconds * SAMPLE_RATE)]
        found[name] = folder / f"{name}.wav"
        with wave.open(str(found[name]), "wb") as file:
            file.setparams((1, 2, SAMPLE_RATE, len(samples), "NONE", ""))
            file.writeframes((samples * 32767).clip(-32768, 32767).astype("<i2").tobytes())
    return found


if __name__ == "__main__":
    write_pieces(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
