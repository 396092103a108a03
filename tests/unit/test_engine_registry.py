# SPDX-License-Identifier: GPL-3.0-or-later
"""A throw-away engine shows up everywhere by one backend class and one entry in the table of engines."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pytest

from core.audio.speech import Speech
from core.cli.main import build_parser, main
from core.cli.setting_options import read_settings
from core.engine import loaded
from core.engine.backends.base import ChosenStyles
from core.engine.cache import ArtifactCache
from core.engine.context import EngineContext
from core.engine.jobs import JobRunner
from core.engine.pipeline import add_to_bank, generate_motion
from core.engine.resting import frame_count
from core.engines import (
    DEFAULT_ENGINE,
    EngineEntry,
    engine_names,
    find_engine,
    register_engine,
    style_part_labels,
    unregister_engine,
)
from core.errors import ModelError, ReferenceClipError, SettingsError
from core.exchange.media_range import MediaRange
from core.exchange.request import BankRequest, MotionRequest
from core.face.motion import Motion
from core.face.resting import resting_motion
from core.settings import FaceSettings
from core.settings_schema import Choice, setting_fields
from core.style.parts import EnginePart
from core.style.style import Style
from core.tracking.reference import TrackedReference
from tests.asking import ask
from tests.engine_bench import Bench, make_bench

ECHO = EngineEntry(
    name="echo",
    label="Echo",
    help="Opens the mouth as wide as the person does, and does nothing else",
    backend="tests.unit.test_engine_registry:EchoBackend",
    style_part="echo",
    style_part_label="mouth width",
    can_mix=True,
    learning_seconds=0.1,
)


@dataclass(frozen=True, slots=True, eq=False)
class EchoBackend:
    """The smallest engine that does all that one can: docs/adding-an-engine.md shows it."""

    context: EngineContext

    @classmethod
    def load(cls, context: EngineContext) -> Self:
        return cls(context)

    @property
    def hash(self) -> str:
        return "echo-1"

    def warm(self) -> None:
        WARMED.append(self.context.device)

    def learn(self, reference: TrackedReference, style: Style, progress: Callable[[float], None]) -> Style:
        width = np.ptp(reference.motion.jaw[:, 0])
        progress(1.0)
        return style.with_part("echo", EnginePart(self.hash, {"width": np.array([width], np.float32)}))

    def require(self, style: Style | None) -> None:
        if style is not None and "echo" not in style.parts:
            raise ModelError(f"The style {style.name} has no mouth width.", "Generate from its clip again.")

    def speak(self, speech: Speech, styles: ChosenStyles, progress: Callable[[float], None]) -> Motion:
        motion = resting_motion(frame_count(speech))
        jaw = motion.jaw.copy()
        first, second = self._width(styles.first), self._width(styles.second)
        jaw[:, 0] = MEAN_WIDTH + styles.strength * ((1 - styles.mix) * first + styles.mix * second - MEAN_WIDTH)
        return motion.replace(jaw=jaw)

    def notes(self, style: Style | None) -> tuple[str, ...]:
        return ("Echo only opens the mouth.",)

    def _width(self, style: Style | None) -> float:
        # the mean speaker's mouth is open: where it is shut, no style opens it
        return float(style.engine_parts["echo"].arrays["width"][0]) if style else MEAN_WIDTH


MEAN_WIDTH = 0.3
WARMED: list[str] = []


@pytest.fixture
def echo() -> Iterator[EngineEntry]:
    register_engine(ECHO)
    yield ECHO
    unregister_engine(ECHO.name)


def mixing(engine: str) -> MotionRequest:
    return ask(MediaRange(Path("a.wav")), style=Path("a"), second_style=Path("b"), engine=engine)


def test_the_table_offers_the_default_engine_and_no_name_twice(echo: EngineEntry) -> None:
    assert DEFAULT_ENGINE in engine_names()
    with pytest.raises(ValueError, match="already"):
        register_engine(echo)


def test_the_command_line_offers_it(echo: EngineEntry, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["motion", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "What makes the face; adamesh, mimic, echo (default: adamesh)" in text
    assert "to mix into the face (mimic or echo only)" in text
    options = build_parser().parse_args(["motion", "--audio", "a.wav", "--out", "a.npz", "--engine", "echo"])
    assert read_settings(options, FaceSettings).engine == "echo"


def test_blenders_list_of_engines_offers_it(echo: EngineEntry) -> None:
    choices = next(item for item in setting_fields(FaceSettings) if item.name == "engine").setting.known_choices()
    assert choices[-1] == Choice("echo", "Echo", ECHO.help)
    assert style_part_labels()["echo"] == "mouth width"


def test_a_request_may_name_it_and_mix_as_its_entry_says(echo: EngineEntry) -> None:
    assert mixing("echo").face.engine == "echo"
    assert not find_engine("adamesh").can_mix
    with pytest.raises(SettingsError, match="Choose mimic or echo, or leave"):
        mixing("adamesh")


def test_an_engine_that_is_not_in_the_table_is_refused_with_those_that_are() -> None:
    with pytest.raises(SettingsError, match="no engine called 'echo'; there are: adamesh, mimic"):
        mixing("echo")


@pytest.fixture
def bench(echo: EngineEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return make_bench(tmp_path, monkeypatch)


def jaw(motion: Motion) -> float:
    return float(motion.jaw[:, 0].max())


def test_it_learns_from_a_reference_speaks_and_its_part_is_saved(bench: Bench) -> None:
    still = {"engine": "echo", "blinks": False}
    result = generate_motion(ask(bench.audio, bench.clip, **still))  # type: ignore[arg-type]
    assert result.style is not None
    width = float(result.style.engine_parts["echo"].arrays["width"][0])
    assert width > 0.1 and jaw(result.motion) == pytest.approx(width)
    assert (result.provenance.face.engine, result.provenance.model_hash) == ("echo", "echo-1")
    assert result.notes[0] == "Echo only opens the mouth."
    assert result.motion.head.any()
    file = bench.folder / "ada.safetensors"
    result.style.save(file)
    again = generate_motion(ask(bench.audio, style=file, second_style=file, style_mix=0.5, **still))  # type: ignore[arg-type]
    assert jaw(again.motion) == pytest.approx(width)
    assert jaw(generate_motion(ask(bench.audio, **still)).motion) == pytest.approx(MEAN_WIDTH)  # type: ignore[arg-type]


def test_it_learns_for_every_engine_because_it_learns_at_once(bench: Bench) -> None:
    style = generate_motion(MotionRequest(bench.audio, bench.clip)).style
    assert style is not None
    assert list(style.parts) == ["pose", "eyes", "mimic", "echo"]


def test_one_that_takes_long_learns_only_where_it_is_asked_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.engines.QUICK_LEARNING_SECONDS", 0.05)
    cache = ArtifactCache(bench.folder / "cache")
    plain = generate_motion(MotionRequest(bench.audio, bench.clip), cache=cache).style
    asked = generate_motion(ask(bench.audio, bench.clip, engine="echo"), cache=cache).style
    assert plain is not None and asked is not None
    assert "echo" not in plain.parts and "echo" in asked.parts
    add_to_bank(BankRequest(bench.folder / "mine.safetensors", reference=bench.clip, name="Ada"), cache=cache)
    assert len(bench.tracked_files) == 1


def test_what_it_cannot_learn_stops_its_own_requests_and_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> Style:
        raise ReferenceClipError("The clip shows no mouth.")

    monkeypatch.setattr(EchoBackend, "learn", refuse)
    style = generate_motion(MotionRequest(bench.audio, bench.clip)).style
    assert style is not None and "echo" not in style.parts
    with pytest.raises(ReferenceClipError, match="shows no mouth"):
        generate_motion(ask(bench.audio, bench.clip, engine="echo"))


def test_a_style_that_lacks_its_part_is_refused_before_the_work(bench: Bench) -> None:
    style = generate_motion(MotionRequest(bench.audio, bench.clip)).style
    assert style is not None
    file = bench.folder / "old.safetensors"
    Style(style.name, style.gain, style.offset, style.head, style.provenance).save(file)
    with pytest.raises(ModelError, match=r"has no mouth width. Generate from its clip again"):
        generate_motion(ask(bench.audio, style=file, engine="echo"))


def test_a_kept_style_is_made_again_when_its_weights_change(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ArtifactCache(bench.folder / "cache")
    request = ask(bench.audio, bench.clip, engine="echo")
    generate_motion(request, cache=cache)
    monkeypatch.setattr(EchoBackend, "hash", property(lambda self: "echo-2"))
    style = generate_motion(request, cache=cache).style
    assert style is not None and style.engine_parts["echo"].made_with == "echo-2"
    assert len(bench.tracked_files) == 1


def test_the_progress_bar_expects_the_seconds_of_its_entry(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def style_stage() -> float:
        starts: dict[str, float] = {}
        request = ask(bench.audio, bench.clip, engine="echo")
        generate_motion(request, lambda stage, fraction: starts.setdefault(stage, fraction) and None)
        return starts["motion"] - starts["style"]

    # 0.3 s sound, 2 s tracking, 0.4 s face, 0.3 s head
    assert style_stage() == pytest.approx(ECHO.learning_seconds / (3.0 + ECHO.learning_seconds), abs=1e-6)


def test_it_is_warmed_up_with_the_others_and_let_go_with_them(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    WARMED.clear()
    runner = JobRunner(ArtifactCache(bench.folder / "cache"))
    models = loaded.loaded_models()
    for step in runner.warm_steps()[1:]:  # the first is the tracker, which is no stand-in
        step()
    assert WARMED == ["cpu"] and models.is_loaded("echo")
    monkeypatch.setitem(loaded._loaded, ("cpu", "phonetic"), models)
    runner.release()
    assert loaded._loaded == {}


def test_the_page_on_adding_an_engine_shows_the_code_that_is_tested_here() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "adding-an-engine.md").read_text(encoding="utf-8")
    source = Path(__file__).read_text(encoding="utf-8")
    assert inspect.getsource(EchoBackend).strip() in page
    blocks = re.findall(r"```python\n(.*?)\n```", page, re.DOTALL)
    assert len(blocks) == 2 and all(block in source for block in blocks)
