# SPDX-License-Identifier: GPL-3.0-or-later
"""One declaration per setting: what follows from it without another line."""

from __future__ import annotations

import argparse
import dataclasses
import math
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.cli.main import build_parser
from core.cli.setting_options import add_setting_options, read_settings
from core.errors import SettingsError
from core.exchange.provenance import Provenance
from core.exchange.request import MotionRequest
from core.settings import MOTION_GROUPS, BakeSettings, EyesSettings, FaceSettings, HeadSettings, RunSettings
from core.settings_schema import Choice, SettingsGroup, kept_settings, setting, setting_fields
from tests.asking import ask

ROOT = Path(__file__).resolve().parents[2]
GROUPS = (*MOTION_GROUPS.values(), BakeSettings)
FACTS = {"audio_source": "a", "audio_hash": "b", "audio_seconds": 1.0, "model_hash": "m", "basis_hash": "f"}


@dataclass(frozen=True, slots=True)
class BrowSettings(SettingsGroup):
    """One field of each kind."""

    prefix = "brow"

    height: float = setting(0.5, label="Brow Height", help="How high", low=0.0, high=2.0, step=0.1, affects=("face",))
    count: int = setting(2, label="Brows", help="How many", low=0, affects=("face",))
    frown: bool = setting(True, label="Frown", help="Whether to", affects=("face",), aliases=("scowl",))
    grin: bool = setting(False, label="Grin", help="Whether to")
    tilt: float = setting(0.0, label="Tilt", help="Which way", unit="radians", low=-1.0, high=1.0, affects=("head",))
    shape: str = setting(
        "round", label="Shape", help="Which", choices=(Choice("round", "Round"), Choice("flat", "Flat"))
    )
    hairs: Path | None = setting(None, label="Hairs", help="Their file")


def brow_options(line: str) -> BrowSettings:
    parser = argparse.ArgumentParser()
    add_setting_options(parser, BrowSettings)
    return read_settings(parser.parse_args(line.split()), BrowSettings)


def test_a_new_field_is_an_option_of_the_command_line() -> None:
    assert brow_options("") == BrowSettings()
    line = "--brow-height 2 --brow-count 3 --no-brow-frown --brow-grin --brow-tilt -9 --brow-shape flat --brow-hairs h"
    assert brow_options(line) == BrowSettings(2.0, 3, False, True, math.radians(-9), "flat", Path("h"))
    with pytest.raises(SettingsError, match="Brow Height is 3; it must lie between 0 and 2"):
        brow_options("--brow-height 3")


def test_a_new_field_survives_json_and_its_old_name_is_read() -> None:
    changed = BrowSettings(1.25, 3, False, True, 0.25, "flat", Path("/a/h.txt"))
    assert BrowSettings.from_json(changed.to_json()) == changed
    assert BrowSettings.from_json({"scowl": False, "of a newer version": 1}) == BrowSettings(frown=False)
    assert BrowSettings(hairs=Path("h")).to_json()["hairs"] == str(Path.cwd() / "h")


def test_a_new_field_of_the_face_crosses_to_the_engine_and_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True, slots=True)
    class WiderFace(FaceSettings):
        squint: float = setting(0.0, label="Squint", help="How narrow", low=0.0, high=1.0, affects=("face",))

    monkeypatch.setitem(MOTION_GROUPS, "face", WiderFace)
    request = dataclasses.replace(ask_nothing(), face=WiderFace(squint=0.75))
    assert MotionRequest.from_json(request.to_json()).face == WiderFace(squint=0.75)
    provenance = Provenance(**FACTS, **request.groups())  # type: ignore[arg-type]
    assert provenance.to_json()["face"]["squint"] == 0.75
    assert Provenance.from_json(provenance.to_json()) == provenance
    options = build_parser().parse_args(["motion", "--audio", "a.wav", "--out", "m.npz", "--squint", "0.5"])
    assert read_settings(options, WiderFace) == WiderFace(squint=0.5)
    # a head that is made again leaves the face's new setting as it was
    after = dataclasses.replace(provenance, face=WiderFace(squint=0.1))
    assert after.with_kept(provenance, frozenset({"head", "eyes"})).face == WiderFace(squint=0.75)


def ask_nothing() -> MotionRequest:
    from core.exchange.media_range import MediaRange

    return ask(MediaRange(Path("/a/talk.wav")))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"height": 2.5}, "Brow Height is 2.5; it must lie between 0 and 2."),
        ({"height": math.nan}, "Brow Height is nan; it must lie between 0 and 2."),
        ({"count": -1}, "Brows is -1; it must be at least 0."),
        ({"count": 1.5}, "Brows is 1.5, which is no whole number."),
        ({"height": "1"}, "Brow Height is '1', which is no number."),
        ({"height": True}, "Brow Height is True, which is no number."),
        ({"frown": 1}, "Frown is 1, which is no yes or no."),
        ({"tilt": math.pi}, "Tilt is 180 degrees; it must lie between -57.3 and 57.3 degrees."),
        ({"shape": "square"}, "There is no shape called 'square'; there are: round, flat."),
        ({"hairs": "h"}, "Hairs is 'h', which is no path."),
    ],
)
def test_a_value_that_is_not_allowed_is_one_sentence_with_label_value_and_limits(
    change: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        BrowSettings(**change)
    assert str(caught.value) == words


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_no_number_of_any_group_may_be_infinite_or_nan(value: float) -> None:
    for group in GROUPS:
        for item in setting_fields(group):
            if item.kind is float:
                with pytest.raises(SettingsError, match=item.setting.label):
                    group(**{item.name: value})


def test_several_graphics_cards_are_told_apart() -> None:
    assert RunSettings(device="cuda:1").device == "cuda:1"
    for device in ("cuda:", "cuda:x", "tpu"):
        with pytest.raises(SettingsError, match=f"no device called '{device}'"):
            RunSettings(device=device)


def test_what_has_no_effect_on_what_is_made_again_stays_as_it_was() -> None:
    before, after = BrowSettings(height=1.0, tilt=0.25), BrowSettings(height=2.0, tilt=0.5)
    assert kept_settings(before, after, frozenset({"head"})) == BrowSettings(height=1.0, tilt=0.5)


def test_every_setting_has_its_own_option_property_and_a_sentence() -> None:
    fields = [item for group in GROUPS for item in setting_fields(group)]
    assert len({item.cli for item in fields}) == len({item.prop for item in fields}) == len(fields)
    assert all(item.setting.label and item.setting.help for item in fields)


def test_the_names_that_scripts_use_stay() -> None:
    """Options, and paths below scene.mimesh, of the first versions."""
    found = {item.cli: item.prop for group in GROUPS for item in setting_fields(group)}
    assert (
        found.items()
        >= {
            "--engine": "engine",
            "--style-strength": "style_strength",
            "--style-mix": "style_mix",
            "--seed": "seed",
            "--device": "device",
            "--no-blinks": "blinks",
            "--gaze-amount": "gaze_amount",
            "--head-amount": "head_amount",
            "--head-source": "pose.source",
            "--head-neighbours": "pose.k",
            "--head-temperature": "pose.temperature",
            "--head-top-p": "pose.top_p",
            "--head-seed": "pose.seed",
            "--head-stillness": "pose.stillness",
            "--pose-bank": "pose.bank",
            "--push-down": "on_existing",
            "--neck-share": "neck_share",
        }.items()
    )


def test_generate_takes_the_share_of_the_neck_and_motion_does_not() -> None:
    line = ["--audio", "a.wav", "--out", "o", "--neck-share", "0.4"]
    options = build_parser().parse_args(["generate", "--rig", "r.blend", "--push-down", *line])
    assert read_settings(options, BakeSettings) == BakeSettings("push_down", 0.4)
    with pytest.raises(SystemExit):
        build_parser().parse_args(["motion", *line])


def test_settings_need_the_standard_library_alone() -> None:
    code = "import sys\nsys.modules['numpy'] = None\nimport core.settings, core.client.choices, core.exchange.request"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_defaults_are_those_of_the_first_versions() -> None:
    assert EyesSettings().to_json() == {"blinks": True, "gaze_amount": 1.0}
    assert HeadSettings().to_json() == {
        "source": "bank",
        "amount": 1.0,
        "neighbours": 1,
        "temperature": 1.0,
        "top_p": 0.95,
        "seed": 0,
        "dead_zone_radians": 0.0,
        "bank": None,
        "follow": "",
    }


@pytest.mark.parametrize("value", [10**400, -(10**400), 2**63])
def test_whole_number_that_no_float_can_hold_is_refused_in_a_sentence(value: int) -> None:
    tried = [
        (group, item.name)
        for group in (*MOTION_GROUPS.values(), BakeSettings)
        for item in setting_fields(group)
        if item.kind in (int, float)
    ]
    for group, name in tried:
        with pytest.raises(SettingsError):
            group(**{name: value})
    assert len(tried) > 10
