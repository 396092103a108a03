# SPDX-License-Identifier: GPL-3.0-or-later
"""A style as a file: whole, honest about where it comes from, and never a pickle."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError
from core.style.parts import EnginePart, ExpressionPart, EyesPart, MimicPart, PosePart
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


def full_style() -> Style:
    """A style with every part."""
    rng = np.random.default_rng(3)

    def some(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    adapter = {"decoder.0.query.down.2": some(2, 16), "decoder.0.query.up.2": some(16, 2)}
    return dataclasses.replace(
        any_style(),
        expression=ExpressionPart(adapter, (2,), 0.75, "base", some(256), some(12)),
        pose=PosePart(some(5, 8), np.arange(5, dtype=np.float32), "units", "encoder", "prior"),
        eyes=EyesPart(17.5, 0.21, 0.3, 0.6, 1.2),
        mimic=MimicPart(some(128), "mimic"),
    )


def rewritten(path: Path, tensors: dict[str, np.ndarray | None] | None = None, **metadata: str) -> None:
    """Change some of the file's arrays (None removes one) and header entries."""
    file = read_tensors(path)
    arrays = {**file.tensors, **(tensors or {})}
    write_tensors(path, {k: v for k, v in arrays.items() if v is not None}, {**file.metadata, **metadata})


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


def test_every_part_comes_back_as_it_was(tmp_path: Path) -> None:
    style = full_style()
    style.save(tmp_path / "ada.safetensors")
    loaded = Style.load(tmp_path / "ada.safetensors")
    assert list(loaded.parts) == ["expression", "pose", "eyes", "mimic"]
    assert loaded.id == style.id
    assert loaded.eyes == style.eyes
    for name, part in style.parts.items():
        before, after = part.to_tensors(), loaded.parts[name].to_tensors()
        assert after.values == before.values
        assert after.arrays.keys() == before.arrays.keys()
        for key, array in before.arrays.items():
            np.testing.assert_array_equal(after.arrays[key], array)


def test_identity_follows_the_models_but_not_what_they_fitted() -> None:
    style = full_style()
    assert style.expression is not None
    other_base = dataclasses.replace(style.expression, base_hash="other")
    assert dataclasses.replace(style, expression=other_base).id != style.id
    nudged = dataclasses.replace(style.expression, identity=style.expression.identity + 1e-6)
    assert dataclasses.replace(style, expression=nudged).id == style.id
    assert any_style().id != style.id


def test_a_file_of_the_first_format_still_loads(tmp_path: Path) -> None:
    path = tmp_path / "old.safetensors"
    style = any_style()
    metadata = {"format": "mimesh-style-1", "name": "Ada", "fps": "25", "provenance": PROVENANCE.to_json()}
    write_tensors(path, {"gain": style.gain, "offset": style.offset, "head": style.head}, metadata)
    loaded = Style.load(path)
    assert (loaded.name, loaded.id, loaded.parts) == ("Ada", style.id, {})


def test_parts_of_a_later_version_or_another_engine_are_carried_along(tmp_path: Path) -> None:
    path = tmp_path / "ada.safetensors"
    any_style().save(path)
    rewritten(path, {"breath:curve": np.ones(4, np.float32)}, parts='{"breath": {"per_minute": 12}}')
    Style.load(path).save(tmp_path / "again.safetensors")
    stored = Style.load(tmp_path / "again.safetensors").parts["breath"].to_tensors()
    np.testing.assert_array_equal(stored.arrays["curve"], np.ones(4, np.float32))
    assert stored.values == {"per_minute": 12, "made_with": ""}


def test_an_engines_part_joins_the_style_and_its_identity() -> None:
    style = any_style()
    with_part = style.with_part("breath", EnginePart("weights", {"curve": np.ones(4, np.float32)}))
    assert list(with_part.parts) == ["breath"]
    assert with_part.id != style.id
    with pytest.raises(ValueError, match="field of its own"):
        style.with_part("mimic", EnginePart("weights"))


def test_a_later_format_says_that_it_is_newer(tmp_path: Path) -> None:
    path = tmp_path / "ada.safetensors"
    any_style().save(path)
    rewritten(path, format="mimesh-style-9")
    with pytest.raises(ModelError, match=r"newer Mimesh \(mimesh-style-9\)"):
        Style.load(path)


@pytest.mark.parametrize(
    ("part", "array", "value"),
    [
        ("expression", "identity", None),
        ("expression", "adapter/decoder.0.query.up.2", np.full((16, 2), np.inf, np.float32)),
        ("pose", "counts", np.ones(3, np.float32)),
        ("mimic", "code", np.ones(7, np.float32)),
    ],
)
def test_a_damaged_part_is_named(part: str, array: str, value: np.ndarray | None, tmp_path: Path) -> None:
    path = tmp_path / "ada.safetensors"
    full_style().save(path)
    rewritten(path, {f"{part}:{array}": value})
    with pytest.raises(ModelError, match=rf"ada\.safetensors is damaged \((its {part} part: |{part}:)"):
        Style.load(path)


@pytest.mark.parametrize("parts", ["nonsense", "[1]", '{"eyes": {}}', '{"eyes": 3}', '{"pose": []}'])
def test_a_damaged_header_is_one_sentence(parts: str, tmp_path: Path) -> None:
    path = tmp_path / "ada.safetensors"
    full_style().save(path)
    rewritten(path, parts=parts)
    with pytest.raises(ModelError, match="damaged"):
        Style.load(path)
