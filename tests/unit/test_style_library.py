# SPDX-License-Identifier: GPL-3.0-or-later
"""The style library: names that stay unique, files that are whole, and nothing lost without being asked."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError, SettingsError
from core.files import file_stem, whole_file
from core.style.library import NAME_LIMIT, StyleLibrary
from core.style.parts import EyesPart
from core.style.style import Style, StyleProvenance
from core.weights import read_metadata, read_tensors, write_tensors

PROVENANCE = StyleProvenance("clips/ada talks.mp4", 1.0, 10.0, 9.5, 0.8, "model", "basis", ("One cut.",))


def a_style(name: str = "ada talks", level: float = 1.0) -> Style:
    face = np.full(53, level, np.float32)
    return Style(name, face, 0 * face, np.zeros((9, 3), np.float32), PROVENANCE, eyes=EyesPart(12, 0.2, 0.1, 0.5, 1))


@pytest.fixture
def library(tmp_path: Path) -> StyleLibrary:
    return StyleLibrary(tmp_path / "styles")


def names(library: StyleLibrary) -> list[str]:
    return [entry.name for entry in library.entries()]


def files(library: StyleLibrary) -> list[str]:
    """Every file in the folder, left-overs included."""
    return sorted(path.name for path in library.folder.iterdir())


def test_an_absent_folder_is_an_empty_library(library: StyleLibrary) -> None:
    assert library.entries() == ()
    assert not library.folder.exists()


def test_the_listing_says_where_a_style_comes_from(library: StyleLibrary) -> None:
    library.save(a_style(), "Ada")
    (entry,) = library.entries()
    assert (entry.name, entry.source, entry.seconds, entry.parts) == ("Ada", "ada talks.mp4", 10.0, ("eyes",))
    assert entry.warnings == ("One cut.",)
    assert entry.created.startswith("20") and entry.created.endswith("+00:00")
    assert Style.load(library.find("Ada").path).id == a_style().id


def test_the_listing_is_sorted_without_regard_to_case(library: StyleLibrary) -> None:
    for name in ("zoe", "Bob", "ada"):
        library.save(a_style(), name)
    assert names(library) == ["ada", "Bob", "zoe"]


def test_saving_never_overwrites_unless_told(library: StyleLibrary) -> None:
    library.save(a_style(level=1.0), "Ada")
    for taken in ("Ada", "ada", " Ada "):
        with pytest.raises(SettingsError, match='style called "Ada" already'):
            library.save(a_style(level=2.0), taken)
    assert Style.load(library.find("Ada").path).gain[0] == 1.0
    library.save(a_style(level=2.0), "Ada", replace=True)
    assert Style.load(library.find("Ada").path).gain[0] == 2.0
    assert files(library) == ["Ada.safetensors"]


def test_saving_keeps_the_date_of_the_first_save(library: StyleLibrary) -> None:
    old = dataclasses.replace(a_style(), created="2025-01-02T03:04:05+00:00")
    assert library.save(old, "Ada").created == "2025-01-02T03:04:05+00:00"


def test_a_failed_save_leaves_the_library_as_it_was(library: StyleLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    library.save(a_style(level=1.0), "Ada")
    before = library.find("Ada").path.read_bytes()

    def half(self: Style, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Style, "save", half)
    with pytest.raises(ModelError, match="No space left"):
        library.save(a_style(level=2.0), "Ada", replace=True)
    assert library.find("Ada").path.read_bytes() == before
    assert files(library) == ["Ada.safetensors"]


def test_renaming_keeps_the_content(library: StyleLibrary) -> None:
    library.save(a_style(), "Ada")
    entry = library.rename("Ada", "Countess")
    assert (entry.name, files(library)) == ("Countess", ["Countess.safetensors"])
    assert Style.load(entry.path).name == "Countess"
    assert Style.load(entry.path).eyes == a_style().eyes


def test_renaming_to_another_case_keeps_one_file(library: StyleLibrary) -> None:
    library.save(a_style(), "ada")
    assert library.rename("ada", "ADA").name == "ADA"
    assert names(library) == ["ADA"]


def test_renaming_keeps_parts_of_a_later_version(library: StyleLibrary) -> None:
    path = library.save(a_style(), "Ada").path
    file = read_tensors(path)
    write_tensors(path, {**file.tensors, "breath:curve": np.ones(3, np.float32)}, file.metadata)
    assert "breath:curve" in read_tensors(library.rename("Ada", "Bob").path).tensors


def test_renaming_never_overwrites(library: StyleLibrary) -> None:
    library.save(a_style(), "Ada")
    library.save(a_style(), "Bob")
    with pytest.raises(SettingsError, match='called "Bob" already'):
        library.rename("Ada", "bob")
    assert names(library) == ["Ada", "Bob"]


def test_an_unknown_name_lists_what_is_there(library: StyleLibrary) -> None:
    library.save(a_style(), "Ada")
    for action in (library.find, library.delete, library.resolve, lambda name: library.rename(name, "x")):
        with pytest.raises(SettingsError, match=r'no style called "Eve" .*present: Ada'):
            action("Eve")


def test_deleting_removes_only_that_style(library: StyleLibrary) -> None:
    library.save(a_style(), "Ada")
    library.save(a_style(), "Bob")
    library.delete("Ada")
    assert names(library) == ["Bob"]


def test_an_exported_style_comes_back_with_a_number(library: StyleLibrary, tmp_path: Path) -> None:
    library.save(a_style(), "Ada")
    file = library.export("Ada", tmp_path / "for you")
    assert file == tmp_path / "for you.safetensors"
    assert library.export("Ada", tmp_path) == tmp_path / "Ada.safetensors"
    assert library.import_file(file).name == "Ada 2"
    assert library.import_file(file).name == "Ada 3"
    assert names(library) == ["Ada", "Ada 2", "Ada 3"]
    assert Style.load(library.find("Ada 3").path).id == a_style().id


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff" * 40])
def test_importing_what_is_no_style_is_refused(library: StyleLibrary, tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other.safetensors"
    other.write_bytes(content)
    with pytest.raises(ModelError, match=r"other\.safetensors is damaged"):
        library.import_file(other)
    write_tensors(other, {"x": np.ones(3, np.float32)}, {"format": "something"})
    with pytest.raises(ModelError, match="not a Mimesh style"):
        library.import_file(other)
    with pytest.raises(ModelError, match="cannot be read"):
        library.import_file(tmp_path / "gone.safetensors")
    assert library.entries() == ()


def test_a_damaged_file_is_listed_with_its_problem_and_can_be_deleted(library: StyleLibrary) -> None:
    library.save(a_style(), "Ada")
    (library.folder / "Broken.safetensors").write_bytes(b"half a fi")
    broken = library.find("Broken")
    assert "damaged" in broken.problem
    assert names(library) == ["Ada", "Broken"]
    library.delete("Broken")
    assert names(library) == ["Ada"]


def test_a_file_renamed_by_hand_goes_by_that_name(library: StyleLibrary) -> None:
    path = library.save(a_style(), "Ada").path
    (library.folder / "Ada copy.safetensors").write_bytes(path.read_bytes())
    assert names(library) == ["Ada", "Ada copy"]


def test_names_go_before_paths(library: StyleLibrary, tmp_path: Path) -> None:
    library.save(a_style(), "Ada")
    file = library.export("Ada", tmp_path / "given.safetensors")
    assert library.resolve("Ada") == library.folder / "Ada.safetensors"
    assert library.resolve(str(file)) == file


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "styles").write_text("a file where the folder should be")
    with pytest.raises(ModelError, match="cannot be written"):
        StyleLibrary(tmp_path / "styles").save(a_style(), "Ada")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Ada", "Ada"),
        ('a/b\\c:d*e?f"g<h>i|j', "a_b_c_d_e_f_g_h_i_j"),
        ("con", "con_"),
        ("LPT1.x", "LPT1_.x"),
        ("console", "console"),
        (".hidden", "_hidden"),
        (" Ada. . ", "Ada"),
        ("tab\there", "tab_here"),
        ("Žofie 美", "Žofie 美"),
    ],
)
def test_file_names_are_safe_on_windows(name: str, stem: str) -> None:
    assert file_stem(name) == stem


@pytest.mark.parametrize("name", ["A/B", "nul", "../up", "C:\\x", "Žofie 美", "a" * NAME_LIMIT, "美" * NAME_LIMIT])
def test_any_name_can_be_saved_and_found(library: StyleLibrary, name: str) -> None:
    entry = library.save(a_style(), name)
    assert entry.name == name == library.find(name).name
    assert entry.path.parent == library.folder
    assert read_metadata(entry.path)["name"] == name


@pytest.mark.parametrize("name", ["...", "a" * (NAME_LIMIT + 1)])
def test_what_cannot_be_a_name_is_refused(library: StyleLibrary, name: str) -> None:
    with pytest.raises(SettingsError, match="cannot name a style"):
        library.save(a_style(), name)


def test_names_that_share_a_file_name_count_as_equal(library: StyleLibrary) -> None:
    library.save(a_style(), "A/B")
    with pytest.raises(SettingsError, match='called "A/B" already'):
        library.save(a_style(), "A:B")


def test_importing_an_unusual_name_finds_one_that_fits(library: StyleLibrary, tmp_path: Path) -> None:
    for name, expected in (("x" * 200, "x" * NAME_LIMIT), ("...", "... 2"), ("", "Style")):
        path = tmp_path / "given.safetensors"
        a_style(name).save(path)
        assert library.import_file(path).name == expected


def test_a_file_is_whole_or_absent(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"

    def write_half() -> None:
        with whole_file(path) as partial:
            partial.write_text("half")
            raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        write_half()
    assert list(tmp_path.iterdir()) == []
    with whole_file(path) as partial:
        partial.write_text("all")
    assert path.read_text() == "all"


def test_a_style_that_is_given_as_bytes_is_taken_once(library: StyleLibrary, tmp_path: Path) -> None:
    data = library.save(a_style(), "Ada").path.read_bytes()
    assert library.take_in(data).name == "Ada"
    assert names(library) == ["Ada"]
    elsewhere = StyleLibrary(tmp_path / "elsewhere")
    elsewhere.save(a_style(level=0.5), "Ada")
    # another person of that name stays
    assert elsewhere.take_in(data).name == "Ada 2"
    assert names(elsewhere) == ["Ada", "Ada 2"]


def test_bytes_that_are_no_style_are_refused_without_naming_a_hidden_file(library: StyleLibrary) -> None:
    with pytest.raises(ModelError, match="no style that can be read") as caught:
        library.take_in(b"no style")
    assert "mimesh-style-" not in str(caught.value)
    assert not library.folder.exists()
