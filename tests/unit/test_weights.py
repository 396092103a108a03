# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core import weights
from core.errors import ModelError


def test_arrays_and_metadata_round_trip_and_are_deterministic(tmp_path: Path) -> None:
    tensors = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([1, 2], np.int64)}
    weights.write_tensors(tmp_path / "x.safetensors", tensors, {"k": "v"})
    weights.write_tensors(tmp_path / "y.safetensors", dict(reversed(tensors.items())), {"k": "v"})
    file = weights.read_tensors(tmp_path / "x.safetensors")
    assert file.metadata == {"k": "v"}
    for name, value in tensors.items():
        np.testing.assert_array_equal(file.tensors[name], value)
    assert (tmp_path / "x.safetensors").read_bytes() == (tmp_path / "y.safetensors").read_bytes()


def test_the_safetensors_library_reads_our_files(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.numpy")
    tensors = {"w": np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)}
    weights.write_tensors(tmp_path / "x.safetensors", tensors, {})
    np.testing.assert_array_equal(library.load_file(tmp_path / "x.safetensors")["w"], tensors["w"])


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"\x10\x00\x00\x00\x00\x00\x00\x00{not json at all}"])
def test_a_damaged_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"bad\.safetensors is damaged"):
        weights.read_tensors(path)


def test_a_changed_bundled_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "VENDOR_MODELS", tmp_path)
    monkeypatch.setattr(weights, "CHECKSUMS", tmp_path / "checksums.json")
    weights.write_tensors(tmp_path / "m.safetensors", {"a": np.zeros(2, np.float32)}, {})
    weights.record_checksum("m.safetensors")
    assert weights.bundled("m.safetensors") == tmp_path / "m.safetensors"
    (tmp_path / "m.safetensors").write_bytes(b"something else")
    weights.bundled.cache_clear()
    with pytest.raises(ModelError, match="checksum"):
        weights.bundled("m.safetensors")
    weights.bundled.cache_clear()


def test_every_bundled_file_matches_its_checksum_and_nothing_is_unlisted() -> None:
    listed = json.loads(weights.CHECKSUMS.read_text())
    present = {path.name for path in weights.VENDOR_MODELS.glob("*.safetensors")}
    assert present == set(listed)
    for name in listed:
        assert weights.bundled(name).is_file()
