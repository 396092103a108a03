# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of our own with wrong values in every place: refused in a sentence, never read as numbers that are none."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.engine.cache import ArtifactCache
from core.errors import MimeshError, ModelError
from core.exchange.provenance import Provenance
from core.exchange.results import (
    HeadResult,
    MotionResult,
    read_head_result,
    read_motion_result,
    write_head_result,
    write_motion_result,
)
from core.face.motion import Motion
from core.face.resting import resting_motion
from core.pose.bank import Neighbour, PoseBank
from core.pose.user_bank import bank_names
from core.style.library import StyleLibrary
from core.style.style import Style
from core.tracking.reference_file import load_reference, save_reference
from core.weights import VENDOR_MODELS, read_tensors, write_tensors
from tests.engine_bench import tracked
from tests.unit.test_style_file import full_style

DEEP = "[" * 100_000
WRONG = (
    None,
    True,
    -1,
    1e30,
    float("nan"),
    float("inf"),
    "",
    "text",
    "0" * 400,
    [],
    [[]],
    {},
    {"a": None},
    "é\u2028",
    DEEP,
)
BAD_NUMBERS = (float("nan"), float("inf"), -float("inf"), 1e30)


def places(value: object, path: tuple = ()) -> Iterator[tuple]:
    """The paths to every value inside a JSON value, itself included."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def put(value: object, path: tuple, new: object) -> object:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)  # type: ignore[call-overload]
    copy[path[0]] = put(copy[path[0]], path[1:], new)
    return copy


def written(path: Path, metadata: dict[str, object], tensors: dict[str, np.ndarray]) -> Path:
    write_tensors(path, tensors, metadata)  # type: ignore[arg-type]
    return path


def spoiled_headers(path: Path, nested: tuple[str, ...]) -> Iterator[Path]:
    """Copies of the file with one value of its header, or of the JSON inside it, replaced."""
    file = read_tensors(path, may_lack=("statistics",))
    bad = path.with_name("bad.safetensors")
    for wrong in WRONG:
        for key in file.metadata:
            text = wrong if isinstance(wrong, str) else json.dumps(wrong)
            yield written(bad, {**file.metadata, key: text}, file.tensors)
        for key in nested:
            inside = json.loads(file.metadata[key])
            chosen = list(places(inside))[:60]
            for place in chosen if wrong != DEEP else chosen[:1]:
                text = json.dumps(put(inside, place, wrong))
                yield written(bad, {**file.metadata, key: text}, file.tensors)


def spoiled_arrays(path: Path, kept: tuple[str, ...] = ()) -> Iterator[Path]:
    file = read_tensors(path, may_lack=("statistics",))
    bad = path.with_name("bad.safetensors")
    for name, array in file.tensors.items():
        if array.dtype.kind != "f" or not array.size or name in kept:
            continue
        for value in BAD_NUMBERS:
            other = array.copy()
            with np.errstate(over="ignore"):
                other.flat[-1] = value
            yield written(bad, file.metadata, {**file.tensors, name: other})
        for shape in ((0,), (1,), (*array.shape, 1)):
            yield written(bad, file.metadata, {**file.tensors, name: np.zeros(shape, np.float32)})


def numbers_of(style: Style) -> Iterator[float]:
    for part in (style, *style.parts.values()):
        for item in dataclasses.fields(part):  # type: ignore[arg-type]
            value = getattr(part, item.name)
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                yield from (float(value.min()), float(value.max())) if value.size else ()
            elif isinstance(value, float):
                yield value
    yield from (style.provenance.seconds, style.provenance.agreement)


def test_style_with_a_wrong_value_anywhere_is_marked_and_hides_no_other(tmp_path: Path) -> None:
    library = StyleLibrary(tmp_path / "library")
    good = library.save(full_style(), "Good")
    for bad in spoiled_headers(good.path, ("provenance", "parts")):
        names = {entry.path.name: entry for entry in library.entries()}
        assert set(names) == {good.path.name, "bad.safetensors"} and not names[good.path.name].problem
        entry = names["bad.safetensors"]
        assert isinstance(entry.name, str) and math.isfinite(entry.seconds)
        assert all(isinstance(word, str) for word in (*entry.parts, *entry.warnings))
        try:
            style = Style.load(bad)
        except ModelError as error:
            assert "bad.safetensors" in str(error)
        else:
            assert isinstance(style.name, str) and all(abs(number) < 1e7 for number in numbers_of(style))


def test_style_with_a_number_that_is_none_is_refused(tmp_path: Path) -> None:
    full_style().save(tmp_path / "good.safetensors")
    for bad in spoiled_arrays(tmp_path / "good.safetensors"):
        try:
            style = Style.load(bad)
        except ModelError:
            continue
        assert all(abs(number) < 1e7 for number in numbers_of(style))


def test_bank_with_a_wrong_value_anywhere_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "bank.safetensors"
    bank = PoseBank.load(VENDOR_MODELS / "pose_bank.safetensors")
    dataclasses.replace(bank, entries=bank.entries[:2]).save(path)
    for bad in (*spoiled_headers(path, ("entries",)), *spoiled_arrays(path, ("statistics",))):
        for read in (PoseBank.load, bank_names):
            try:
                read(bad)
            except ModelError as error:
                assert "bad.safetensors" in str(error)


@pytest.mark.parametrize("field", ["expression", "jaw", "head", "gaze", "fps"])
@pytest.mark.parametrize("value", BAD_NUMBERS)
def test_motion_with_a_number_that_is_none_does_not_cross_the_border(tmp_path: Path, field: str, value: float) -> None:
    motion = resting_motion(5)
    if field == "fps":
        motion = motion.replace(fps=value)
    else:
        getattr(motion, field).flat[-1] = value
    motion.save(tmp_path / "motion.npz")
    with pytest.raises(ValueError, match=r"no recording has|frames a second"):
        Motion.load(tmp_path / "motion.npz")


@pytest.mark.parametrize("field", ["expression", "jaw", "head", "landmarks", "neutral", "weights", "samples"])
@pytest.mark.parametrize("value", BAD_NUMBERS)
def test_cached_reference_with_a_number_that_is_none_is_tracked_again(
    tmp_path: Path, field: str, value: float
) -> None:
    cache = ArtifactCache(tmp_path / "cache")
    cache.store("key.npz", lambda path: save_reference(path, tracked(tmp_path / "clip.mp4")))
    assert cache.load("key.npz", load_reference) is not None
    with np.load(tmp_path / "cache" / "key.npz") as data:
        arrays = {name: data[name].copy() for name in data.files}
    arrays[field] = arrays[field].astype(np.float32)
    arrays[field].flat[-1] = value
    np.savez(tmp_path / "cache" / "key.npz", **arrays)
    assert cache.load("key.npz", load_reference) is None
    assert not (tmp_path / "cache" / "key.npz").exists()


def test_named_style_without_a_distance_and_codes_cross_the_border(tmp_path: Path) -> None:
    origin = Provenance("a", "b", 1.0, "m", "basis")
    found = (Neighbour("Ada", math.inf, 1.0), Neighbour("Bo", 2.5, 0.0))
    motion = resting_motion(3)
    told = write_motion_result(tmp_path, MotionResult(motion, None, None, {}, origin, (), found))
    assert read_motion_result(tmp_path, json.loads(json.dumps(told, allow_nan=False))).neighbours == found
    codes = ((3, 900), (17, 0))
    told = write_head_result(tmp_path, HeadResult(motion.head, motion.gaze, found, origin, codes=codes))
    head = read_head_result(tmp_path, json.loads(json.dumps(told, allow_nan=False)))
    assert (head.neighbours, head.codes) == (found, codes)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders here")
@pytest.mark.timeout(20)
def test_pipe_or_folder_called_like_a_style_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    (tmp_path / "dangling.safetensors").symlink_to(tmp_path / "nowhere")
    entries = StyleLibrary(tmp_path).entries()
    assert len(entries) == 3 and all(entry.problem for entry in entries)
    for entry in entries:
        with pytest.raises(MimeshError):
            Style.load(entry.path)
