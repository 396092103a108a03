# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's FLAME file: every form is read alike, none is run, and what is wrong is named."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError
from core.rig.flame_file import read_flame
from core.weights import write_tensors
from tests.flame_made import EXPRESSIONS, SHAPES, VERTICES, flame_arrays


def check(path: Path) -> None:
    model, arrays = read_flame(path), flame_arrays()
    np.testing.assert_allclose(model.vertices, arrays["v_template"], atol=1e-6)
    assert model.shapes.shape == (SHAPES, VERTICES, 3)
    assert model.expressions.shape == (EXPRESSIONS, VERTICES, 3)
    np.testing.assert_allclose(model.expressions[0], np.tile([0, 0.01, 0], (VERTICES, 1)), atol=1e-8)
    np.testing.assert_allclose(model.joints, arrays["J_regressor"] @ arrays["v_template"], atol=1e-6)
    np.testing.assert_allclose(model.pose_correctives[7], arrays["posedirs"][:, :, 7], atol=1e-8)
    assert model.parents == (-1, 0, 1, 1, 1)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_pickle_is_read(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "flame2023.pkl"
    path.write_bytes(pickle.dumps({**flame_arrays(), "bs_type": "lrotmin"}, protocol=protocol))
    check(path)


def test_npz_and_safetensors_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "flame.npz", **flame_arrays())
    check(tmp_path / "flame.npz")
    arrays = flame_arrays()
    plain = {k: v.astype(np.int64 if v.dtype == np.uint32 else v.dtype) for k, v in arrays.items()}
    write_tensors(tmp_path / "flame.safetensors", plain, {})
    check(tmp_path / "flame.safetensors")


def test_scipy_and_chumpy_arrays_are_read_without_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As FLAME 2020 is written: shapedirs a chumpy array, the regressor a column-wise sparse matrix."""
    arrays = flame_arrays()
    chumpy = module_with(monkeypatch, "chumpy.ch", "Ch")
    sparse = module_with(monkeypatch, "scipy.sparse.csc", "csc_matrix")
    shapes, regressor = chumpy(), sparse()
    shapes.x = arrays["shapedirs"]
    dense = arrays["J_regressor"]
    columns = [np.flatnonzero(column) for column in dense.T]
    regressor.__dict__.update(
        _shape=dense.shape,
        data=np.concatenate([dense[rows, i] for i, rows in enumerate(columns)]),
        indices=np.concatenate(columns),
        indptr=np.cumsum([0, *map(len, columns)]),
    )
    path = tmp_path / "generic_model.pkl"
    path.write_bytes(pickle.dumps({**arrays, "shapedirs": shapes, "J_regressor": regressor}, protocol=2))
    for name in ("chumpy", "chumpy.ch", "scipy.sparse.csc"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    check(path)


def module_with(monkeypatch: pytest.MonkeyPatch, module: str, name: str) -> type:
    """A class that pickles as ``module.name`` though no such package is installed."""
    made = types.ModuleType(module)
    kind = type(name, (), {"__module__": module, "__qualname__": name})
    setattr(made, name, kind)
    parts = module.split(".")
    for size in range(1, len(parts)):
        parent = ".".join(parts[:size])
        if parent not in sys.modules:
            monkeypatch.setitem(sys.modules, parent, types.ModuleType(parent))
    monkeypatch.setitem(sys.modules, module, made)
    return kind


class Runs:
    """Unpickled the ordinary way this makes a file."""

    def __init__(self, call: object, *arguments: object) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call, self.arguments


@pytest.mark.parametrize("call", [os.system, subprocess.call, eval, exec, __import__, getattr, np.load, np.save])
def test_malicious_pickle_is_refused_and_not_run(tmp_path: Path, call: object) -> None:
    mark = tmp_path / "ran"
    path = tmp_path / "flame2023.pkl"
    path.write_bytes(pickle.dumps({**flame_arrays(), "extra": Runs(call, f"touch {mark}")}))
    with pytest.raises(ModelError, match=r"flame2023\.pkl\" is refused: it names"):
        read_flame(path)
    assert not mark.exists()


def test_reconstructor_is_no_way_round(tmp_path: Path) -> None:
    code = b"\x80\x02ccopy_reg\n_reconstructor\nc__builtin__\nobject\nc__builtin__\nobject\nN\x87R."
    (tmp_path / "flame.pkl").write_bytes(code)
    with pytest.raises(ModelError, match="refused"):
        read_flame(tmp_path / "flame.pkl")


@pytest.mark.parametrize("content", [b"", b"nonsense", pickle.dumps([1, 2]), pickle.dumps({"v_template": 1})])
def test_what_is_no_model_is_told_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "head.pkl").write_bytes(content)
    with pytest.raises(ModelError, match=r"head\.pkl"):
        read_flame(tmp_path / "head.pkl")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights": np.ones((VERTICES, 24))}, "24 joints"),
        ({"shapedirs": np.zeros((VERTICES, 3, 100))}, "no expressions"),
        ({"f": np.array([[0, 1, 99]])}, "vertices that it does not have"),
        ({"v_template": np.full((VERTICES, 3), np.nan)}, "no numbers"),
        ({"v_template": 100 * flame_arrays()["v_template"]}, "metres"),
        ({"posedirs": np.zeros((7, 3, 36))}, "do not fit"),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path: Path, changes: dict[str, np.ndarray], words: str) -> None:
    np.savez(tmp_path / "flame.npz", **{**flame_arrays(), **changes})
    with pytest.raises(ModelError, match=words):
        read_flame(tmp_path / "flame.npz")
    with pytest.raises(ModelError):
        read_flame(tmp_path / "missing.npz")
