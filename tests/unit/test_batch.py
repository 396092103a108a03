# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests, journal, resume: what a batch promises, with a runner that writes numbers."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core.batch.journal import FOLDER, Journal
from core.batch.manifest import read_manifest
from core.batch.page import write_page
from core.batch.row import Row, setting_columns
from core.batch.run import Batch, BatchCount, Made, partial_path
from core.cli.main import main
from core.errors import CancelledError, EngineError, MediaError, SettingsError
from core.exchange.sheet import SheetLine, sheet_to_json
from core.settings import MOTION_GROUPS
from core.settings_schema import setting_fields
from tests.batch_made import SlowRunner, faults, kill_at_random, right_content, write_rows


@dataclass
class Scripted:
    """Fails the rows that ``errors`` names, as often as it says."""

    errors: dict[int, list[Exception]] = field(default_factory=dict)
    made: list[int] = field(default_factory=list)
    kinds: tuple[str, ...] = (".npz",)
    at_once: int = 3

    def run(self, rows: Sequence[Row], partials: Sequence[Path]) -> Iterator[Made]:
        for row, partial in zip(rows, partials, strict=True):
            waiting = self.errors.get(row.number)
            if waiting:
                error = waiting.pop(0)
                if isinstance(error, KeyboardInterrupt):
                    partial.write_bytes(b"half")
                    raise error
                yield Made(row, error)  # type: ignore[arg-type]
                continue
            self.made.append(row.number)
            partial.write_bytes(right_content(row.number))
            yield Made(row, facts={"notes": ["a <note>"]}, thumbnail=b"<svg/>")


def batch_of(folder: Path, runner: Scripted, count: int = 6, retries: int = 1) -> tuple[Batch, BatchCount]:
    manifest = folder / "rows.csv"
    if not manifest.exists():
        write_rows(folder, count)
        (folder / "out").mkdir()
    batch = Batch(read_manifest(manifest, folder, {}), [runner], Journal.open(folder), retries)
    return batch, batch.run()


def test_csv_json_and_yaml_say_the_same(tmp_path: Path) -> None:
    row = {"audio": "a.wav", "style-strength": 0.5, "head-stillness": 2, "blinks": "no", "push-down": "yes"}
    (tmp_path / "r.json").write_text(json.dumps({"defaults": {"engine": "mimic"}, "rows": [row]}))
    header, values = ";".join(row), ";".join(map(str, row.values()))
    (tmp_path / "r.csv").write_text(f"\ufeff{header};engine\n{values};mimic\n", encoding="utf-8")
    names = ["r.json", "r.csv"]
    if importlib.util.find_spec("yaml"):
        lines = "\n".join(f"    {name}: {value}" for name, value in row.items())
        (tmp_path / "r.yaml").write_text(f"defaults: {{engine: mimic}}\nrows:\n  -\n{lines}\n")
        names.append("r.yaml")
    read = [read_manifest(tmp_path / name, tmp_path, {})[0] for name in names]
    for one in read:
        assert one.groups["face"].engine == "mimic" and one.groups["face"].style_strength == 0.5
        assert one.groups["head"].dead_zone_radians == pytest.approx(math.radians(2))
        assert one.groups["eyes"].blinks is False and one.bake.on_existing == "push_down"
        assert one.audio is not None and one.audio.path == tmp_path / "a.wav" and one.out == tmp_path / "a.npz"


def test_every_setting_is_a_column() -> None:
    known = setting_columns()
    assert {item.cli.removeprefix("--") for group in MOTION_GROUPS.values() for item in setting_fields(group)} <= set(
        known
    )


def test_a_folders_names_fill_columns_and_defaults(tmp_path: Path) -> None:
    for name in ("de/ada_001.wav", "de/bob_002.wav", "fr/ada_001.wav", "fr/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    for name in ("ada", "bob"):
        (tmp_path / f"{name}.safetensors").write_bytes(b"")
    defaults = {"style": "{character}.safetensors", "out": "{language}/{character}/{line}.npz", "seed": "3"}
    rows = read_manifest(tmp_path, tmp_path / "made", defaults, "{language}/{character}_{line}.wav")
    assert [row.out.relative_to(tmp_path / "made").as_posix() for row in rows] == [
        "de/ada/001.npz",
        "de/bob/002.npz",
        "fr/ada/001.npz",
    ]
    assert [row.style and row.style.name for row in rows] == ["ada.safetensors", "bob.safetensors", "ada.safetensors"]
    assert all(row.groups["run"].seed == 3 for row in rows)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("audio,style-strenght\na.wav,1\n", "no column style-strenght"),
        ("audio,style-strength\na.wav,9\n", "Row 1: Style Strength is 9"),
        ("audio,seed\na.wav,many\n", "Row 1: Seed is 'many', which is no number"),
        ("audio,blinks\na.wav,perhaps\n", "yes or no"),
        ("audio,out\na.wav,x.npz\nb.wav,X.npz\n", "Rows 1 and 2 both write"),
        ("audio,strip\na.wav,Talk\n", "Its speech is audio and strip"),
        ("strip\nTalk\n", "lies in no blend"),
        ("audio,start\na.wav,soon\n", "no number of seconds"),
        ("audio,style\na.wav,Ada\n", "Ada is no file"),
        ("audio\na.wav,b.wav\n", "more values than the header"),
        ("audio\n", "nothing to make"),
    ],
)
def test_a_wrong_manifest_is_one_sentence_before_anything_is_made(text: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_manifest(tmp_path / "r.csv", tmp_path, {})
    assert word in str(caught.value)
    assert main(["batch", str(tmp_path / "r.csv")]) == 2
    assert not (tmp_path / FOLDER).exists()


def test_yaml_without_its_package_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    (tmp_path / "r.yaml").write_text("- audio: a.wav\n")
    with pytest.raises(SettingsError, match="PyYAML"):
        read_manifest(tmp_path / "r.yaml", tmp_path, {})


def test_a_second_run_makes_nothing_and_a_changed_input_is_made_again(tmp_path: Path) -> None:
    runner = Scripted()
    _, count = batch_of(tmp_path, runner)
    assert (count.done, count.skipped, runner.made) == (6, 0, [1, 2, 3, 4, 5, 6])
    _, count = batch_of(tmp_path, runner)
    assert (count.done, count.skipped) == (0, 6)
    (tmp_path / "out" / "row0002.npz").unlink()
    (tmp_path / "out" / "row0004.npz").write_bytes(b"damaged")
    runner.made.clear()
    batch_of(tmp_path, runner)
    assert runner.made == [2, 4]
    (tmp_path / "talk.wav").write_bytes(b"RIFF of another length")
    runner.made.clear()
    batch_of(tmp_path, runner)
    assert runner.made == [1, 2, 3, 4, 5, 6]


def test_one_bad_row_does_not_stop_the_others_and_only_passing_failures_are_tried_again(tmp_path: Path) -> None:
    runner = Scripted({2: [EngineError("It died.")], 5: [MediaError("It is silent.")]})
    _, count = batch_of(tmp_path, runner)
    assert (count.done, count.failed) == (5, 1)
    events = [event["event"] for event in Journal.open(tmp_path).events() if event.get("row") == 5]
    assert events == ["started", "failed"]
    _, count = batch_of(tmp_path, runner)
    assert (count.done, count.skipped, count.failed) == (1, 5, 0)


def test_an_interrupt_leaves_no_half_file(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        batch_of(tmp_path, Scripted({4: [KeyboardInterrupt()]}))  # type: ignore[list-item]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"row000{i}.npz" for i in (1, 2, 3)]
    with pytest.raises(CancelledError):
        batch_of(tmp_path, Scripted({5: [CancelledError("Cancelled.")]}))


def test_a_kill_between_naming_and_telling_is_understood(tmp_path: Path) -> None:
    batch, _ = batch_of(tmp_path, Scripted())
    log = batch.journal.path
    lines = log.read_text().splitlines()
    # as if killed after the last file got its name, in the middle of the line that says so
    assert json.loads(lines[-1])["event"] == "done"
    log.write_text("\n".join([*lines[:-1], lines[-1][:40]]))
    runner = Scripted()
    _, count = batch_of(tmp_path, runner)
    assert (count.skipped, runner.made) == (6, [])
    assert faults(tmp_path / "rows.csv", tmp_path, contents(6)) == []


def contents(count: int) -> dict[str, bytes]:
    return {f"row{i:04d}.npz": right_content(i) for i in range(1, count + 1)}


def test_leftovers_of_the_dead_are_removed_and_of_the_living_kept(tmp_path: Path) -> None:
    write_rows(tmp_path, 1)
    (tmp_path / "out").mkdir()
    own = partial_path(tmp_path / "out" / "other.npz")
    living = own.with_name(own.name.replace(str(os.getpid()), str(os.getppid())))
    living.write_bytes(b"at work")
    dead = own.with_name(own.name.replace(str(os.getpid()), "999999999"))
    dead.write_bytes(b"half")
    batch_of(tmp_path, Scripted())
    assert living.exists() and not dead.exists()


def test_the_summary_names_every_row_and_its_failure(tmp_path: Path) -> None:
    batch, _ = batch_of(tmp_path, Scripted({2: [MediaError("No <speech>.", "Speak.")]}))
    page = write_page(batch.journal, batch.rows).read_text()
    assert "6 rows: 5 done, 1 failed, 0 waiting" in page
    assert "No &lt;speech&gt;." in page and "a &lt;note&gt;" in page and page.count("data:image/svg+xml") == 5


@pytest.mark.slow
def test_killed_at_random_every_row_is_made_once_and_whole(tmp_path: Path) -> None:
    manifest = write_rows(tmp_path, 60)
    command = [sys.executable, "-m", "tests.batch_made", "work", str(manifest)]
    assert kill_at_random(command, tmp_path, 4, 60) >= 3
    assert faults(manifest, tmp_path, contents(60)) == []
    begun = [event for event in Journal.open(tmp_path).events() if event["event"] == "started"]
    assert len(begun) > 60, "no kill hit a row in the middle"


def test_a_runner_of_the_test_writes_what_is_right(tmp_path: Path) -> None:
    manifest = write_rows(tmp_path, 2)
    (tmp_path / "out").mkdir()
    Batch(read_manifest(manifest, tmp_path, {}), [SlowRunner(0.0)], Journal.open(tmp_path)).run()
    assert (tmp_path / "out" / "row0002.npz").read_bytes() == right_content(2)


@pytest.mark.parametrize(
    "data",
    [
        b'\xef\xbb\xbfaudio;out\r\n"G\xc3\xa4ste; laut.wav";"made/\xc3\xa4 1.npz"\r\n\r\n;\r\n',
        'sep=;\naudio;out\n"Gäste; laut.wav";"made/ä 1.npz"\n'.encode(),
        "audio\tout\nGäste; laut.wav\tmade/ä 1.npz\n".encode("utf-16"),
        'Audio,OUT,,\n"Gäste; laut.wav",made/ä 1.npz,,\n,,,\n'.encode(),
        'AUDIO , out\r"Gäste; laut.wav",made/ä 1.npz\r'.encode(),
    ],
)
def test_what_spreadsheets_write_is_read(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(data)
    (row,) = read_manifest(tmp_path / "r.csv", tmp_path / "x", {})
    assert row.audio is not None and row.audio.path == tmp_path / "Gäste; laut.wav"
    assert row.out == tmp_path / "x" / "made" / "ä 1.npz"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("audio,audio\na.wav,b.wav\n", "column audio comes twice"),
        ("blend,channel\na.blend,0\n", "channel is 0; they are counted from 1"),
        ("audio,reference,reference-person\na.wav,b.mp4,second\n", "no whole number"),
        ("audio,first-frame\na.wav,soon\n", "which is no frame"),
        ("blend,strip,out\na.blend,Talk,a.npz\n", "takes its speech from a sequencer"),
        ("audio,out\na.wav,a.gif\n", "ends in none of .npz, .csv, .blend"),
    ],
)
def test_further_wrong_rows_are_one_sentence(
    text: str, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r.csv").write_text(text)
    assert main(["batch", str(tmp_path / "r.csv"), "--dry-run"]) == 2
    assert word in capsys.readouterr().err


def test_a_manifest_of_another_encoding_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes("audio\nGäste.wav\n".encode("cp1252"))
    with pytest.raises(SettingsError, match="UTF-8"):
        read_manifest(tmp_path / "r.csv", tmp_path, {})


def test_track_person_and_window_of_a_reference_are_columns(tmp_path: Path) -> None:
    row = {"audio": "a.wav", "audio-track": 2, "reference": "r.mov", "reference-start": 1.5, "reference-end": 9}
    (tmp_path / "r.json").write_text(json.dumps([row | {"reference_track": 3, "reference_person": 2}]))
    (found,) = read_manifest(tmp_path / "r.json", tmp_path, {})
    assert found.audio is not None and found.audio.track == 2
    assert found.reference is not None and (found.reference.track, found.reference.person) == (3, 2)
    assert (found.reference.start_seconds, found.reference.end_seconds) == (1.5, 9.0)
    assert found.request(found.audio).reference == found.reference


@pytest.mark.skipif(importlib.util.find_spec("yaml") is None, reason="PyYAML is not in this Python")
def test_anchors_and_merges_of_yaml_are_followed(tmp_path: Path) -> None:
    text = "shared: &shared {engine: mimic, blinks: no}\nrows:\n  - {audio: a.wav, <<: *shared}\n  - audio: b.wav\n"
    (tmp_path / "r.yaml").write_text(text)
    first, second = read_manifest(tmp_path / "r.yaml", tmp_path, {})
    assert first.groups["face"].engine == "mimic" and first.groups["eyes"].blinks is False
    assert second.groups["eyes"].blinks is True


def test_a_dialogue_sheet_is_a_manifest(tmp_path: Path) -> None:
    lines = [
        SheetLine("file", "voices/ada 1.wav", character="Ada", engine="mimic", note="whispers", first_frame=101.0),
        SheetLine("strip", "sc01_line2", character="Ben"),
        SheetLine("file", "old.wav", locked=True),
    ]
    (tmp_path / "sheet.json").write_text(sheet_to_json(lines))
    (tmp_path / "shot.blend").write_bytes(b"")
    rows = read_manifest(tmp_path / "sheet.json", tmp_path / "made", {"blend": "shot.blend"})
    assert [row.name for row in rows] == ["ada 1.wav", "sc01_line2"]
    ada, ben = rows
    assert ada.audio is not None and ada.audio.path == tmp_path / "voices" / "ada 1.wav"
    assert (ada.object_name, ada.first_frame, ada.groups["face"].engine) == ("Ada", 101.0, "mimic")
    assert ada.kind == ben.kind == ".blend" and ben.strips == ("sc01_line2",) and ada.out != ben.out
