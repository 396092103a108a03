# SPDX-License-Identifier: GPL-3.0-or-later
"""A throw-away engine shows up everywhere by one backend class and one entry in the table of engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.cli.main import build_parser, main
from core.cli.setting_options import read_settings
from core.engines import (
    DEFAULT_ENGINE,
    EngineEntry,
    engine_names,
    find_engine,
    register_engine,
    style_part_labels,
    unregister_engine,
)
from core.errors import SettingsError
from core.exchange.media_range import MediaRange
from core.exchange.request import MotionRequest
from core.settings import FaceSettings
from core.settings_schema import Choice, setting_fields
from tests.asking import ask

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
