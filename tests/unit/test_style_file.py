# SPDX-License-Identifier: GPL-3.0-or-later
"""A style as a file: whole, honest about where it comes from, and never a pickle."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError
from core.style.style import Style, StyleProvenance
from core.weights import read_tensors, write_tensors

PROVENANCE = StyleProvenance("clip.mp4", 1.0, 10.0, 9.5, 0.8, "model", "basis", ("One cut.",))


def any_style(seed: int = 0) -> Style:
    rng = np.random.default_rng(seed)
    return Style(
        "Ada",
        rng.uniform(0.5, 2, 53).astype(np.float32),
        rng.normal(size=53).astype(np.float32),
        rng.normal(size=(40, 3)).astype(np.float32),
        PROVENANCE,
    )


def test_saved_style_is_the_same_style(tmp_path: Path) -> None:
    style = any_style()
    style.save(tmp_path / "ada.safetensors")
    loaded = Style.load(tmp_path / "ada.safetensors")
    assert loaded.name == "Ada"
    assert loaded.provenance == PROVENANCE
    assert loaded.id == style.id
    for name in ("gain", "offset", "head"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(style, name))


def test_identity_follows_the_content_not_the_name() -> None:
    style = any_style()
    assert dataclasses.replace(style, name="Bob").id == style.id
    assert any_style(1).id != style.id


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    other = tmp_path / "model.safetensors"
    write_tensors(other, {"gain": np.ones(53, np.float32)}, {"format": "something else"})
    with pytest.raises(ModelError, match=r"model\.safetensors is not a Mimesh style"):
        Style.load(other)
    with pytest.raises(ModelError, match="cannot be read"):
        Style.load(tmp_path / "gone.safetensors")
    other.write_bytes(b"garbage")
    with pytest.raises(ModelError, match="damaged"):
        Style.load(other)


@pytest.mark.parametrize("change", ["lacking", "shape", "nan", "provenance"])
def test_damaged_style_is_refused(change: str, tmp_path: Path) -> None:
    path = tmp_path / "ada.safetensors"
    any_style().save(path)
    file = read_tensors(path)
    tensors, metadata = dict(file.tensors), dict(file.metadata)
    if change == "lacking":
        del tensors["offset"]
    elif change == "shape":
        tensors["gain"] = np.ones(7, np.float32)
    elif change == "nan":
        tensors["head"] = np.full((40, 3), np.nan, np.float32)
    else:
        metadata["provenance"] = "{}"
    write_tensors(path, tensors, metadata)
    with pytest.raises(ModelError, match=r"ada\.safetensors is damaged"):
        Style.load(path)
