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


def test_checked_file_whose_arrays_were_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    weights.write_tensors(path, {"a": np.arange(8, dtype=np.float32)}, {"k": "v"}, checked=True)
    assert weights.read_tensors(path).metadata == weights.read_metadata(path) == {"k": "v"}
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="checksum"):
        weights.read_tensors(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_does_not_come_in(tmp_path: Path, value: float) -> None:
    weights.write_tensors(tmp_path / "x.safetensors", {"a": np.array([1.0, value], np.float32)}, {})
    with pytest.raises(ModelError, match="a holds what is no number"):
        weights.read_tensors(tmp_path / "x.safetensors")


def test_a_value_may_be_unknown_where_the_reader_says_so_but_never_infinite(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    weights.write_tensors(path, {"a": np.array([1.0, np.nan], np.float32)}, {})
    assert np.isnan(weights.read_tensors(path, may_lack=("a",)).tensors["a"]).tolist() == [False, True]
    weights.write_tensors(path, {"a": np.array([np.inf, np.nan], np.float32)}, {})
    with pytest.raises(ModelError, match="a holds what is no number"):
        weights.read_tensors(path, may_lack=("a",))


@pytest.mark.parametrize(
    "header",
    [
        '{"__metadata__":[1]}',
        '{"__metadata__":7,"a":1}',
        "[1,2]",
        '"text"',
        '{"a":[]}',
        '{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}',
        '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,1e400]}}',
        "[" * 100000,
        '{"a":{"dtype":"F32","shape":[1e9],"data_offsets":[0,8]}}',
        '{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}}',
        '{"a":{"dtype":"F32","shape":[true,2],"data_offsets":[0,8]}}',
    ],
)
def test_header_of_any_content_is_one_sentence(tmp_path: Path, header: str) -> None:
    path = tmp_path / "x.safetensors"
    text = header.encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    for read in (weights.read_tensors, weights.read_metadata):
        try:
            read(path)
        except ModelError as error:
            assert "is damaged" in error.message
