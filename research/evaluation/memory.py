# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation.memory``: the engine's largest memory and longest silence on very long recordings.

Three hours of speech without a reference, and half an hour of reference with ten seconds of speech, twice (the second
time from the cache), each in a fresh process; and the first click of a fresh process with each engine. The recordings
are the demo's own, repeated. A silence that was explained beforehand ("loading PyTorch") is counted apart.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from research.evaluation.tables import Table

ROOT = Path(__file__).resolve().parents[2]
SPEECH = ROOT / "demo" / "input" / "speech.ogg"
REFERENCE = ROOT / "demo" / "input" / "reference.mp4"
# the promise
LIMIT_MEGABYTES = 1500.0
# one request in a process of its own: seconds, largest memory, and the longest time without a word of progress
_CHILD = """
import json, resource, sys, time
from pathlib import Path
from core.checkpoint import checked_by
from core.engine.cache import ArtifactCache
from core.engine.pipeline import generate_motion
from core.exchange.request import MotionRequest
begun = time.monotonic()
last, gaps, explained, at_stage, why = [begun], {}, {}, ["start"], [""]
def word():
    now = time.monotonic()
    where, name = (explained, why[0]) if why[0] else (gaps, at_stage[0])
    where[name] = max(where.get(name, 0.0), now - last[0])
    last[0], why[0] = now, ""
def heard(stage, fraction):
    word()
    at_stage[0] = stage
def explain(words):
    word()
    why[0] = words
request = MotionRequest.from_json(json.loads(sys.argv[1]))
with checked_by(word, explain):
    result = generate_motion(request, heard, ArtifactCache(Path(sys.argv[2])))
word()
unit = 1e6 if sys.platform == "darwin" else 1e3
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
print(json.dumps({"seconds": time.monotonic() - begun, "peak": peak, "gaps": gaps, "explained": explained}))
"""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Seconds, megabytes, and the longest silence in seconds of each stage, and for each reason that was told."""

    case: str
    seconds: float
    megabytes: float
    silences: Mapping[str, float]
    explained: Mapping[str, float]

    @property
    def kept(self) -> bool:
        """Whether it stays within what is promised of memory."""
        return self.megabytes < LIMIT_MEGABYTES

    def row(self) -> tuple[str, ...]:
        """For the table."""
        numbers = (f"{self.seconds:.0f}", f"{self.megabytes:.0f}")
        return (self.case, *numbers, _longest(self.silences), _longest(self.explained), "yes" if self.kept else "NO")


def _longest(silences: Mapping[str, float]) -> str:
    """The longest one and where it was."""
    where = max(silences, key=silences.__getitem__, default="")
    return f"{silences[where]:.1f} ({where})" if where else "-"


def main() -> int:
    """Print the table; 1 where a case needs more memory than promised."""
    parser = argparse.ArgumentParser(description="Largest memory of the engine on very long recordings.")
    parser.add_argument("--hours", type=float, default=3.0, help="of speech")
    parser.add_argument("--minutes", type=float, default=30.0, help="of reference")
    parser.add_argument("--only", choices=("speech", "reference", "click"))
    parser.add_argument("--encoder", default="auto", help="speech encoder")
    parser.add_argument("--engine", default="adamesh")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = tuple(_cases(options, Path(folder)))
    kept = f"under {LIMIT_MEGABYTES:.0f} MB"
    columns = ("case", "s", "peak MB", "longest silence s (stage)", "longest that was explained s", kept)
    rows = tuple(footprint.row() for footprint in found)
    sys.stdout.write(f"{Table('Memory of the engine process', columns, rows).text()}\n")
    return 0 if all(footprint.kept for footprint in found) else 1


def _cases(options: argparse.Namespace, folder: Path) -> Iterator[Footprint]:
    face = {"engine": options.engine, "speech_encoder": options.encoder}
    if options.only in (None, "click"):
        for engine in ("mimic", "adamesh"):
            request = {"audio": {"path": str(SPEECH)}, "reference": {"path": str(REFERENCE)}}
            request["face"] = {**face, "engine": engine}
            yield measured(f"first click, {engine}", request, folder / engine)
    if options.only in (None, "speech"):
        talk = long_speech(folder / "talk.wav", options.hours * 3600)
        yield measured(f"{options.hours:g} h of speech", {"audio": {"path": str(talk)}, "face": face}, folder / "one")
    if options.only in (None, "reference"):
        clip = long_reference(folder / "clip.mp4", options.minutes * 60)
        talk = long_speech(folder / "short.wav", 10.0)
        request = {"audio": {"path": str(talk)}, "reference": {"path": str(clip)}, "face": face}
        yield measured(f"{options.minutes:g} min of reference", request, folder / "two")
        yield measured("the same again, cached", request, folder / "two")


def measured(case: str, request: Mapping[str, object], cache: Path) -> Footprint:
    """Run the request in a process of its own. Raises SystemExit with what it said where it fails."""
    full = json.dumps(_complete(request))
    command = [sys.executable, "-c", _CHILD, full, str(cache)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{case} failed: {done.stderr.strip()[-800:]}")
    told = json.loads(done.stdout.strip().splitlines()[-1])
    return Footprint(case, told["seconds"], told["peak"], told["gaps"], told["explained"])


def _complete(request: Mapping[str, object]) -> dict[str, object]:
    from core.exchange.media_range import MediaRange
    from core.exchange.request import MotionRequest

    audio = MediaRange(Path(str(request["audio"]["path"])))  # type: ignore[index]
    data = MotionRequest(audio).to_json()
    data["face"].update(request["face"])
    reference = request.get("reference")
    if reference:
        data["reference"] = MediaRange(Path(str(reference["path"]))).to_json()  # type: ignore[index]
    return data


def long_speech(path: Path, seconds: float) -> Path:
    """The demo's speech, again and again, mono and 16 bit at 16 kHz, as a file that was never in memory whole."""
    from core.audio.decode import load_speech
    from core.audio.speech import SAMPLE_RATE

    once = (load_speech(SPEECH).samples * 32767).astype("<i2")
    left = round(seconds * SAMPLE_RATE)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        while left > 0:
            out.writeframes(once[:left].tobytes())
            left -= len(once)
    return path


def long_reference(path: Path, seconds: float) -> Path:
    """The demo's reference, again and again: its packets are copied, nothing is coded anew."""
    import av

    with av.open(str(path), "w") as out, av.open(str(REFERENCE)) as once:
        streams = {stream.index: out.add_stream_from_template(stream) for stream in once.streams}
        # a little more than it lasts: no packet may lie before one of the turn before
        length = Fraction(once.duration or 0, 1_000_000) + Fraction(1, 5)
        for turn in range(int(np.ceil(seconds / length))):
            once.seek(0)
            for packet in once.demux():
                if packet.dts is None:
                    continue
                shift = round(turn * length / packet.time_base)
                packet.pts, packet.dts = (packet.pts or 0) + shift, packet.dts + shift
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    return path


if __name__ == "__main__":
    sys.exit(main())
