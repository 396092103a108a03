# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation.on_device cuda FOLDER OUT``: everything a network does, on one device.

FOLDER holds what ``research.evaluation.devices --prepare`` wrote; OUT gets an array for each case. The last line on
standard output is JSON: seconds, megabytes of the card and of the host by case, and what the device is.
"""

from __future__ import annotations

import json
import platform
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.audio.speech import Speech
from core.errors import CancelledError
from core.settings import HeadSettings

if TYPE_CHECKING:
    from core.engine.loaded import LoadedModels
    from core.face.motion import Motion
    from core.style.style import Style
    from core.tracking.reference import TrackedReference

SPEECH_NAME, REFERENCE_NAME = "speech.npz", "reference.npz"
# of the long line: 94 s of the demo's 9.4 s
_REPEATS = 10
_LINES = 8


@dataclass(slots=True)
class Meter:
    """Seconds and memory of each case, the card's anew for each."""

    device: str
    cases: dict[str, dict[str, float]] = field(default_factory=dict)

    def timed(self, case: str, work: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """What ``work`` gives."""
        import torch

        card = self.device.startswith("cuda")
        if card and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            torch.cuda.reset_peak_memory_stats(self.device)
        started = time.perf_counter()
        made = work()
        seconds = time.perf_counter() - started
        megabytes = torch.cuda.max_memory_allocated(self.device) / 1e6 if card else 0.0
        host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
        self.cases[case] = {"seconds": seconds, "card": megabytes, "host": host}
        return made


@dataclass(slots=True, eq=False)
class Cases:
    """One device's networks, and what is made with them."""

    models: LoadedModels
    speech: Speech
    reference: TrackedReference

    def said(self, engine: str, speech: Speech, style: Style | None = None) -> NDArray[np.float32]:
        """(T, 53) motion of the face."""
        from core.engine.backends.base import ChosenStyles
        from core.engine.speaking import speak

        return _values(speak(self.models.backend(engine), speech, ChosenStyles(style)).motion)

    def head(self) -> NDArray[np.float32]:
        """(T, 3) of the mean speaker."""
        from core.engine.resting import frame_count

        frames = frame_count(self.speech)
        return self.models.head.generate(self.speech, None, frames, HeadSettings(), None, lambda _: None).head

    def together(self) -> NDArray[np.float32]:
        """Lines of two lengths in one pass each, one after another."""
        from core.engine.backends.base import ChosenStyles
        from core.engine.speaking import speak_together

        half = len(self.speech.samples) // 2
        parts = [Speech(self.speech.samples[: half if k % 2 else half // 2], f"line {k}") for k in range(_LINES)]
        backend = self.models.backend("mimic")
        return np.concatenate([_values(each.motion) for each in speak_together(backend, parts, ChosenStyles())])  # type: ignore[arg-type]

    def style(self, engine: str, stop_at: float = 2.0) -> Style:
        """Learnt from the reference. Raises :class:`CancelledError` at that share of the learning."""
        from core.engine.stages import StageMeter, StagePlan
        from core.engine.style_extraction import NeutralSpeaker, StyleExtractor
        from core.exchange.media_range import MediaRange

        def heard(stage: str, fraction: float) -> None:
            if fraction >= stop_at:
                raise CancelledError("Cancelled.")

        meter = StageMeter(heard, StagePlan({"style": 1.0}))
        extractor = StyleExtractor(self.models, NeutralSpeaker(self.models), meter, None, engine)
        with meter.stage("style"):
            style = extractor.style(None, MediaRange(Path("reference.mp4")), self.reference)
        assert style is not None  # there is a reference
        return style

    def after_cancel(self) -> NDArray[np.float32]:
        """The plain motion once more, after a learning was stopped in its middle."""
        try:
            self.style("adamesh", stop_at=0.3)
        except CancelledError:
            return self.said("adamesh", self.speech)
        raise RuntimeError("the learning was not cancelled")


def measure(device: str, folder: Path, out: Path) -> dict[str, object]:
    """Run all cases and write their arrays."""
    from core.engine.loaded import loaded_models
    from core.tracking.reference_file import load_reference

    with np.load(folder / SPEECH_NAME) as data:
        speech = Speech(data["samples"], "speech")
    long = Speech(np.tile(speech.samples, _REPEATS), "long")
    meter = Meter(device)
    made = Cases(loaded_models(device, "bundled"), speech, load_reference(folder / REFERENCE_NAME))
    style: list[Style] = []

    def learnt(engine: str) -> NDArray[np.float32]:
        style[:] = [made.style(engine)]
        return made.said(engine, speech, style[0])

    arrays = {
        "first motion": meter.timed("first motion", lambda: made.said("adamesh", speech)),
        "motion": meter.timed("motion", lambda: made.said("adamesh", speech)),
        "head": meter.timed("head", made.head),
        "long speech": meter.timed("long speech", lambda: made.said("adamesh", long)),
        "mimic motion": meter.timed("mimic motion", lambda: learnt("mimic")),
        "mimic codes": _code(style),
        "lines together": meter.timed("lines together", made.together),
        "adaptation": meter.timed("adaptation", lambda: learnt("adamesh")),
        "after a cancel": meter.timed("after a cancel", made.after_cancel),
        "adaptation again": meter.timed("adaptation again", lambda: learnt("adamesh")),
    }
    np.savez(out, **arrays)  # type: ignore[arg-type]
    return {"cases": meter.cases, "about": about(device)}


def about(device: str) -> str:
    """Card or processor, and versions."""
    import torch

    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else f"{platform.machine()} processor"
    return f"{device}: {name}, torch {torch.__version__}, {torch.get_num_threads()} threads"


def _values(motion: Motion) -> NDArray[np.float32]:
    return np.concatenate([motion.expression, motion.jaw], axis=1)


def _code(styles: Sequence[Style]) -> NDArray[np.float32]:
    part = styles[0].mimic
    assert part is not None  # Mimic learnt it
    return part.code


if __name__ == "__main__":
    device_name, prepared, target = sys.argv[1:]
    sys.stdout.write(f"{json.dumps(measure(device_name, Path(prepared), Path(target)))}\n")
