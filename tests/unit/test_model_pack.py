# SPDX-License-Identifier: GPL-3.0-or-later
"""A model pack on disk: what is written is read, and every kind of broken folder is refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import ModelError
from core.model_pack import PACK_FILE, ModelPack, pack_of


@pytest.fixture
def pack(tmp_path: Path) -> ModelPack:
    (tmp_path / "adamesh_base.safetensors").write_bytes(b"weights")
    return pack_of(tmp_path, "studio", "bundled", ("adamesh_base.safetensors",))


def changed(pack: ModelPack, **values: object) -> Path:
    path = pack.folder / PACK_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    return pack.folder


def test_a_pack_is_read_as_it_was_written(pack: ModelPack) -> None:
    assert ModelPack.open(pack.folder) == pack
    assert pack.file("adamesh_base.safetensors") == pack.folder / "adamesh_base.safetensors"
    # the bundled one serves
    assert pack.file("mimic.safetensors") is None


def test_a_folder_without_a_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is no model pack: it has no pack\.json"):
        ModelPack.open(tmp_path / "nowhere")


def test_weights_that_changed_or_went_are_named(pack: ModelPack) -> None:
    weights = pack.folder / "adamesh_base.safetensors"
    weights.write_bytes(b"other")
    with pytest.raises(ModelError, match=r"adamesh_base\.safetensors of the model pack is not as it was written"):
        ModelPack.open(pack.folder)
    weights.unlink()
    with pytest.raises(ModelError, match=r"lacks its file adamesh_base\.safetensors"):
        ModelPack.open(pack.folder)


@pytest.mark.parametrize("values", [{"checksums": 3}, {"name": None, "mimesh_pack": "x"}, {"layer": "last"}])
def test_nonsense_is_damage(pack: ModelPack, values: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="is damaged"):
        ModelPack.open(changed(pack, **values))


def test_files_outside_the_folder_are_not_read(pack: ModelPack) -> None:
    with pytest.raises(ModelError, match="lacks its file"):
        ModelPack.open(changed(pack, checksums={"../secret": "0"}))


def test_a_pack_of_a_newer_version_says_so(pack: ModelPack) -> None:
    with pytest.raises(ModelError, match="newer Mimesh"):
        ModelPack.open(changed(pack, mimesh_pack=99))
