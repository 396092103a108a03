# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast and how large each speech encoder is, on two threads, each in a process of its own."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from core.audio.decode import load_speech
from core.audio.speech import Speech
from core.errors import EngineSetupError, MimeshError
from core.models.speech.encoder import SpeechEncoder
from core.models.speech.registry import open_encoder
from research.evaluation.sections import DEMO_SPEECH
from research.evaluation.speed import measure_apart, peak_memory_mb
from research.evaluation.stages import first_seconds
from research.evaluation.tables import Section, Table, number

THREADS = 2
SPEECH_SECONDS = 10.0
RUNS = 5
TARGET_REAL_TIME = 100.0
# every value random, 94 million of them: what a downloaded base model costs, without downloading one
HUBERT_BASE = "hubert, base shape, random"


@dataclass(frozen=True, slots=True)
class EncoderSpeed:
    """What one encoder takes.

    seconds: least of several to encode ``SPEECH_SECONDS``, everything loaded. processor_seconds: the same counted on
    all threads together, which hardly changes while other programs run.
    """

    name: str
    parameters_millions: float
    dimension: int
    seconds: float
    processor_seconds: float
    peak_memory_mb: float

    @property
    def real_time_factor(self) -> float:
        """Seconds of speech per second of computing."""
        return SPEECH_SECONDS / self.seconds


def encoders(data: Path) -> Section:
    """A row for each encoder that can be opened here; the others are named under the table."""
    rows, missing = [], []
    for name in ("mel", "phonetic", HUBERT_BASE):
        try:
            rows.append(measure(name))
        except MimeshError as error:
            missing.append(f"Not measured: {name} ({error.message.rstrip('.')}).")
    table = Table(
        f"Speech encoders on {THREADS} threads, {SPEECH_SECONDS:.0f} s of speech (wanted: {TARGET_REAL_TIME:.0f} x)",
        ("encoder", "M values", "features", "seconds", "x real time", "processor s", "peak MB"),
        tuple(
            (
                row.name,
                number(row.parameters_millions),
                str(row.dimension),
                number(row.seconds, 3),
                number(row.real_time_factor, 0),
                number(row.processor_seconds, 3),
                number(row.peak_memory_mb, 0),
            )
            for row in rows
        ),
        " ".join(missing),
    )
    stored = [{**dataclasses.asdict(row), "real_time_factor": row.real_time_factor} for row in rows]
    return Section("encoders", (table,), {"encoders": stored})


def measure(name: str) -> EncoderSpeed:
    """In a fresh process. Raises :class:`MimeshError` when the encoder cannot be opened."""
    with tempfile.TemporaryDirectory(prefix="mimesh-encoder-") as folder:
        path = _random_hubert(Path(folder)) if name == HUBERT_BASE else None
        kind = "hubert" if path else name
        open_encoder(kind, path, device="cpu")
        code = (
            "from research.evaluation.encoder_speed import measure_here as run; "
            f"r = run({kind!r}, {path and str(path)!r}); "
            "print('MEASURED', r.parameters_millions, r.dimension, r.seconds, r.processor_seconds, r.peak_memory_mb)"
        )
        millions, dimension, *rest = measure_apart(code, f"The speech encoder {name} could not be timed.")
    return EncoderSpeed(name, millions, int(dimension), *rest)


def measure_here(kind: str, path: str | None) -> EncoderSpeed:
    """In this process: loading is left out of the time and counted in the memory."""
    import torch

    torch.set_num_threads(THREADS)
    encoder = open_encoder(kind, None if path is None else Path(path), device="cpu")
    speech = first_seconds(load_speech(DEMO_SPEECH), SPEECH_SECONDS)
    encoder.encode(speech)
    took = [_timed(encoder, speech) for _ in range(RUNS)]
    wall, processor = (min(values) for values in zip(*took, strict=True))
    return EncoderSpeed(
        encoder.name, parameter_count(encoder) / 1e6, encoder.dimension, wall, processor, peak_memory_mb()
    )


def _timed(encoder: SpeechEncoder, speech: Speech) -> tuple[float, float]:
    began, worked = time.perf_counter(), time.process_time()
    encoder.encode(speech)
    return time.perf_counter() - began, time.process_time() - worked


def parameter_count(encoder: SpeechEncoder) -> int:
    """Values of the encoder's network; 0 for one that has none."""
    network = getattr(encoder, "network", None)
    return sum(value.numel() for value in network.parameters()) if network is not None else 0


def _random_hubert(folder: Path) -> Path:
    try:
        import transformers
    except ImportError as error:
        raise EngineSetupError("The package transformers is not installed.") from error
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers.HubertModel(transformers.HubertConfig()).save_pretrained(folder)
    return folder
