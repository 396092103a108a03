# SPDX-License-Identifier: GPL-3.0-or-later
"""On a disk that is as Windows makes them (NTFS, names without case, Windows' forbidden names), mounted for real.

Needs ntfs-3g and the right to mount; skipped elsewhere.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.client.install_folder import only_one, remove, require_our_folder, temporary
from core.client.leftovers import new_log
from core.engine.cache import ArtifactCache
from core.errors import SettingsError
from core.files import file_stem, whole_file
from core.pose.bank import PoseBank
from core.pose.user_bank import save_user_bank
from core.style.library import StyleLibrary
from core.weights import VENDOR_MODELS
from tests.unit.test_style_file import full_style

ODD_NAMES = (
    *("con", "Lpt1", "com1.x", "a:b?", "trailing dot.", "...dots", 'quo"te', "back\\slash", "pipe|"),
    *("Zoë Ünal", "日本", "a" * 60),
)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("windows")
    image, mounted = folder / "image", folder / "disk"
    mounted.mkdir()
    if shutil.which("lowntfs-3g") is None or shutil.which("mkntfs") is None:
        pytest.skip("ntfs-3g is not installed")
    with image.open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    subprocess.run(["mkntfs", "-q", "-F", "-f", str(image)], capture_output=True, check=True)
    options = "ignore_case,windows_names,loop"
    if subprocess.run(["lowntfs-3g", "-o", options, str(image), str(mounted)], capture_output=True).returncode:
        pytest.skip("no right to mount a disk")
    yield mounted
    subprocess.run(["umount", "--lazy", str(mounted)], check=True)


def test_the_disk_is_one(disk: Path) -> None:
    (disk / "Probe").touch()
    assert (disk / "pROBE").exists()
    with pytest.raises(OSError, match="Invalid"):
        (disk / "con").touch()


@pytest.mark.parametrize("name", ODD_NAMES)
def test_style_of_any_name_is_kept_found_and_deleted(disk: Path, name: str) -> None:
    library = StyleLibrary(disk / "styles")
    entry = library.save(full_style(), name)
    assert entry.name == name and library.find(name).path.is_file() and not entry.problem
    library.delete(name)
    assert library.entries() == ()


def test_names_that_differ_in_case_are_one_style(disk: Path) -> None:
    library = StyleLibrary(disk / "cases")
    library.save(full_style(), "Ada")
    with pytest.raises(SettingsError, match='called "Ada" already'):
        library.save(full_style(), "aDA")
    assert library.rename("ada", "ADA").name == "ADA"
    assert [entry.name for entry in library.entries()] == ["ADA"]
    library.save(full_style(), "Bo")
    with pytest.raises(SettingsError, match='called "Bo" already'):
        library.rename("ADA", "bo")
    assert library.import_file(library.find("bo").path).name == "Bo 2"
    assert len(list((disk / "cases").iterdir())) == 3


def test_cache_bank_and_whole_files_work(disk: Path) -> None:
    cache = ArtifactCache(disk / "cache")
    cache.store("key.npz", lambda path: path.write_bytes(b"value"))
    assert cache.load("KEY.npz".lower(), Path.read_bytes) == b"value"
    path = disk / f"{file_stem('bank: mine?')}.safetensors"
    bank = PoseBank.load(VENDOR_MODELS / "pose_bank.safetensors")
    save_user_bank(bank, path)
    assert len(PoseBank.load(path)) == len(bank)
    with whole_file(disk / "a.txt") as partial:
        partial.write_text("whole")
    assert (disk / "A.TXT").read_text() == "whole"
    new_log(disk).touch()


def test_folder_of_the_engine_is_set_up_and_tidied(disk: Path) -> None:
    folder = disk / "Engine"
    require_our_folder(folder)
    with only_one(folder), temporary(folder) as room:
        (room / "wheel").touch()
        (folder / "1").mkdir()
        remove(folder / "1")
    require_our_folder(folder)
    assert not (folder / "1").exists() and not (folder / "setup.lock").exists()
