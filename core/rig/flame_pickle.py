# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads FLAME's pickles without running what they say: only arrays are ever made.

A pickle is a program that may call anything it names. Here it may name numpy's arrays, scipy's sparse matrices and
chumpy's arrays; the last two become plain records, so that neither package is imported.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError

_SPARSE = ("csc_matrix", "csr_matrix", "coo_matrix", "csc_array", "csr_array", "coo_array")


class Record:
    """What stands in for an object of a package that is not imported: its state and nothing else."""

    def __init__(self, *_: object) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: object) -> None:
        self.state = state if isinstance(state, dict) else {}


class CscRecord(Record):
    """scipy's column-wise matrix."""


class CsrRecord(Record):
    """scipy's row-wise matrix."""


class CooRecord(Record):
    """scipy's list of entries."""


_RECORDS: dict[str, type[Record]] = {"csc": CscRecord, "csr": CsrRecord, "coo": CooRecord}


def _reconstruct(kind: type, base: type, state: object) -> Record:
    """``copyreg._reconstructor`` of Python 2's pickles, for our own records only."""
    if not (isinstance(kind, type) and issubclass(kind, Record)) or base is not object or state is not None:
        raise pickle.UnpicklingError("copyreg._reconstructor of something that is no array")
    return kind()


def _new_object(kind: type, *_: object) -> Record:
    return _reconstruct(kind, object, None)


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """``_codecs.encode``, which Python 3 writes bytes with in old protocols."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError("_codecs.encode of something that is no text")
    return text.encode("latin1")


def _from_buffer(buffer: bytes, dtype: np.dtype[Any], shape: tuple[int, ...], order: str) -> NDArray[np.generic]:
    """numpy's array of protocol 5."""
    return np.frombuffer(buffer, dtype=dtype).reshape(shape, order="F" if order == "F" else "C")


def _array_maker() -> Callable[..., Any]:
    """numpy's own way to make an empty array, wherever this version keeps it."""
    maker: Callable[..., Any] = np.zeros(1).__reduce__()[0]  # type: ignore[assignment]
    return maker


def _allowed() -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _encode,
    }
    scalar = np.float64(0).__reduce__()[0]
    for package in ("numpy.core.multiarray", "numpy._core.multiarray"):
        found[package, "_reconstruct"] = _array_maker()
        found[package, "scalar"] = scalar
    for package in ("numpy.core.numeric", "numpy._core.numeric"):
        found[package, "_frombuffer"] = _from_buffer
    for module in ("copy_reg", "copyreg"):
        found[module, "_reconstructor"] = _reconstruct
        found[module, "__newobj__"] = _new_object
    for module in ("__builtin__", "builtins"):
        found[module, "object"] = object
    return found


class _ArraysOnly(pickle.Unpickler):
    """Raises for every name but those of arrays."""

    def find_class(self, module: str, name: str) -> Any:
        allowed = _allowed().get((module, name))
        if allowed is not None:
            return allowed
        if module.split(".")[:2] == ["scipy", "sparse"] and name in _SPARSE:
            return _RECORDS[name[:3]]
        if module.split(".")[0] == "chumpy":
            return Record
        raise pickle.UnpicklingError(f"it names {module}.{name}")


def read_flame_pickle(raw: bytes, name: str) -> dict[str, NDArray[np.generic]]:
    """The numeric arrays of a pickled dictionary. Raises :class:`ModelError` for anything else, running nothing."""
    try:
        content = _ArraysOnly(io.BytesIO(raw), encoding="latin1").load()
    except pickle.UnpicklingError as error:
        raise ModelError(
            f'"{name}" is refused: {error}, which is no array of a FLAME model.',
            "Take the file from the FLAME website, or save its arrays as .npz.",
        ) from error
    except (ValueError, TypeError, KeyError, IndexError, EOFError, AttributeError, MemoryError) as error:
        raise ModelError(f'"{name}" is damaged ({error}).', "Download it again.") from error
    if not isinstance(content, dict):
        raise ModelError(f'"{name}" holds a {type(content).__name__}, not the parts of a FLAME model.')
    plain = {str(key): _plain(value) for key, value in content.items()}
    return {key: value for key, value in plain.items() if value is not None}


def _plain(value: object) -> NDArray[np.generic] | None:
    """A numeric array, or None for what is none."""
    if isinstance(value, CscRecord | CsrRecord | CooRecord):
        return _dense(value)
    if isinstance(value, Record):
        return _of_chumpy(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        return value
    return None


def _of_chumpy(record: Record) -> NDArray[np.generic] | None:
    """chumpy keeps an array in ``x``, and a choice of another's entries in ``a`` and ``idxs``."""
    state = record.state
    if "x" in state:
        return _plain(state["x"])
    source, chosen, shape = _plain(state.get("a")), _plain(state.get("idxs")), state.get("preferred_shape")
    if source is None or chosen is None:
        return None
    taken = source.ravel()[chosen]
    return taken if shape is None else taken.reshape(shape)


def _dense(record: Record) -> NDArray[np.generic] | None:
    state = record.state
    shape, data = state.get("_shape", state.get("shape")), state.get("data")
    if shape is None or not isinstance(data, np.ndarray):
        return None
    result = np.zeros(shape)
    if isinstance(record, CooRecord):
        rows, columns = state.get("coords", (state.get("row"), state.get("col")))
    else:
        along = np.repeat(np.arange(len(state["indptr"]) - 1), np.diff(state["indptr"]))
        rows, columns = (state["indices"], along) if isinstance(record, CscRecord) else (along, state["indices"])
    np.add.at(result, (rows, columns), data)
    return result
