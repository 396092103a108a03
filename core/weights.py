# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing arrays as safetensors with numpy alone, and finding bundled files by checksum.

Blender's own Python has numpy but neither safetensors nor torch, so the small format is read here
(8 bytes header length, JSON header, raw little-endian data). Nothing is ever unpickled.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

VENDOR_MODELS = Path(__file__).resolve().parent.parent / "vendor_models"
CHECKSUMS = VENDOR_MODELS / "checksums.json"

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "|u1", "BOOL": "|b1"}
_NAMES = {np.dtype(code): name for name, code in _DTYPES.items()}
_BLOCK_BYTES = 1 << 24
_HEADER_LIMIT = 50_000_000
_CHECKSUM = "sha256"


@dataclass(frozen=True, slots=True)
class TensorFile:
    """The content of one safetensors file."""

    tensors: dict[str, NDArray[np.generic]]
    metadata: dict[str, str]


def read_tensors(path: Path, may_lack: tuple[str, ...] = ()) -> TensorFile:
    """Read a safetensors file. Raises :class:`ModelError` naming the file when it is missing or damaged.

    may_lack: names of arrays in which NaN stands for a value that is not known; infinities are refused everywhere.
    """
    try:
        raw = _file(path).read_bytes()
    except OSError as error:
        raise ModelError(f"The model file {path} cannot be read ({error.strerror}).") from error
    try:
        return _parse(raw, may_lack)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError, struct.error) as error:
        raise ModelError(f"The model file {path} is damaged ({error}).", "Fetch or make it again.") from error


def read_metadata(path: Path) -> dict[str, str]:
    """The string metadata alone, without reading the arrays. Raises :class:`ModelError` as :func:`read_tensors`."""
    try:
        with _file(path).open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _HEADER_LIMIT:
                raise ValueError("header longer than any of ours")
            metadata = json.loads(file.read(length)).get("__metadata__", {})
            told = {str(name): str(value) for name, value in metadata.items()}
    except OSError as error:
        raise ModelError(f"The model file {path} cannot be read ({error.strerror}).") from error
    except (ValueError, AttributeError, RecursionError, OverflowError, struct.error) as error:
        raise ModelError(f"The model file {path} is damaged ({error}).", "Fetch or make it again.") from error
    told.pop(_CHECKSUM, None)
    return told


def require_sane(name: str, array: NDArray[Any], largest: float) -> None:
    """Raise ValueError unless every value is a number of at most ``largest`` in size."""
    if not (np.isfinite(array).all() and (array.size == 0 or float(np.abs(array).max()) <= largest)):
        raise ValueError(f"{name} holds values that no recording has")


def half_precision(state: Mapping[str, Tensor]) -> dict[str, NDArray[np.generic]]:
    """A network's state for :func:`write_tensors`: matrices and kernels of floats halved, the rest as it is.

    Of the ten bits after the point eight are kept (0.1 % of a weight on average): the download is a tenth smaller.
    """
    found: dict[str, NDArray[np.generic]] = {}
    for name, value in state.items():
        array = value.detach().cpu().numpy()
        found[name] = _shortened(array) if array.ndim >= 2 and array.dtype.kind == "f" else array
    return found


def _shortened(values: NDArray[np.floating]) -> NDArray[np.float16]:
    """Half precision, rounded to the nearest number whose last two bits are zero."""
    bits = np.ascontiguousarray(values, np.float16).view(np.uint16)
    shortened: NDArray[np.float16] = ((bits + np.uint16(2)) & np.uint16(0xFFFC)).view(np.float16)
    return shortened


def write_tensors(
    path: Path, tensors: dict[str, NDArray[np.generic]], metadata: dict[str, str], checked: bool = False
) -> None:
    """Write arrays and string metadata; the same input always gives the same bytes.

    checked: with a checksum of the arrays, for files of the user's own, which travel and have no other check.
    """
    header: dict[str, object] = {}
    blobs: list[bytes] = []
    offset = 0
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        blob = array.tobytes()
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    told = {**metadata, _CHECKSUM: hashlib.sha256(b"".join(blobs)).hexdigest()} if checked else metadata
    header = {"__metadata__": dict(sorted(told.items())), **header}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


@functools.lru_cache(maxsize=64)
def bundled(name: str) -> Path:
    """Path of a file in ``vendor_models`` whose checksum was verified. Raises :class:`ModelError`."""
    path = VENDOR_MODELS / name
    expected = json.loads(CHECKSUMS.read_text()).get(name)
    if expected is None or not path.is_file():
        raise ModelError(f"The bundled model {name} is missing.", "Install the extension again.")
    if file_hash(path) != expected:
        raise ModelError(f"The bundled model {name} does not match its checksum.", "Install the extension again.")
    return path


def is_bundled(name: str) -> bool:
    """Whether ``vendor_models`` should have this file."""
    return name in json.loads(CHECKSUMS.read_text())


def record_checksum(name: str) -> str:
    """Note the present SHA-256 of ``vendor_models/name`` (training commands call this after writing)."""
    known = json.loads(CHECKSUMS.read_text()) if CHECKSUMS.is_file() else {}
    known[name] = file_hash(VENDOR_MODELS / name)
    CHECKSUMS.write_text(json.dumps(dict(sorted(known.items())), indent=2) + "\n")
    bundled.cache_clear()
    return known[name]


def file_hash(path: Path, tick: Callable[[], None] = lambda: None) -> str:
    """SHA-256 of a file, as hex. tick: called again and again meanwhile; what it raises ends the reading."""
    found = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            found.update(block)
            tick()
    return found.hexdigest()


def _file(path: Path) -> Path:
    """The path, unless it is a pipe or a device, which would keep its reader waiting. Raises OSError."""
    path = Path(path)
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no file")
    return path


def _parse(raw: bytes, may_lack: tuple[str, ...]) -> TensorFile:
    (length,) = struct.unpack_from("<Q", raw)
    if length > min(len(raw) - 8, _HEADER_LIMIT):
        raise ValueError("header longer than the file")
    header = json.loads(raw[8 : 8 + length])
    metadata = {str(name): str(value) for name, value in header.pop("__metadata__", {}).items()}
    body = memoryview(raw)[8 + length :]
    expected = metadata.pop(_CHECKSUM, None)
    if expected is not None and hashlib.sha256(body).hexdigest() != expected:
        raise ValueError("its content does not match its checksum")
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if not 0 <= begin <= end <= len(body):
            raise ValueError(f"{name} lies outside the file")
        # numpy would take -1 as "whatever is left"
        if any(type(size) is not int or size < 0 for size in entry["shape"]):
            raise ValueError(f"{name} has no such shape")
        array = np.frombuffer(body[begin:end], dtype=_DTYPES[entry["dtype"]]).reshape(entry["shape"])
        known = array[~np.isnan(array)] if name in may_lack and array.dtype.kind == "f" else array
        if known.dtype.kind == "f" and not np.isfinite(known).all():
            raise ValueError(f"{name} holds what is no number")
        tensors[name] = array
    return TensorFile(tensors, metadata)
