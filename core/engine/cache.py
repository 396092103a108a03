# SPDX-License-Identifier: GPL-3.0-or-later
"""Results kept on disk by content: a reference is tracked once, whatever its file is called."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..errors import MediaError, MimeshError
from ..weights import file_hash

if TYPE_CHECKING:
    from ..exchange.media_range import MediaRange

DEFAULT_LIMIT_BYTES = 512 * 1024 * 1024
# raise one where the code that makes such a result changes what it makes: older entries are then never read
REFERENCE_FORMAT = 1
STYLE_FORMAT = 1
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ArtifactCache:
    """A folder of files named by key; the least recently used go first when it grows over its limit."""

    folder: Path
    limit_bytes: int = DEFAULT_LIMIT_BYTES

    def load(self, key: str, reader: Callable[[Path], _T]) -> _T | None:
        """The stored value, or None; a damaged entry is removed and counts as absent."""
        path = self.folder / key
        if not path.is_file():
            return None
        try:
            value = reader(path)
        except (OSError, ValueError, KeyError, TypeError, EOFError, MimeshError) as error:
            _log.warning("cache entry %s is unusable and removed: %s", key, error)
            path.unlink(missing_ok=True)
            return None
        os.utime(path)
        return value

    def store(self, key: str, writer: Callable[[Path], object]) -> None:
        """Write through a temporary name; a full or read-only disk costs only the caching."""
        partial = self.folder / f".{key}.{os.getpid()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            writer(partial)
            partial.replace(self.folder / key)
        except OSError as error:
            _log.warning("cannot keep %s: %s", key, error)
            partial.unlink(missing_ok=True)
        self._shrink()

    def _shrink(self) -> None:
        entries = sorted(
            ((stat.st_mtime_ns, stat.st_size, path) for path in _files(self.folder) if (stat := path.stat())),
            reverse=True,
        )
        total = 0
        for _, size, path in entries:
            total += size
            if total > self.limit_bytes:
                path.unlink(missing_ok=True)


def reference_key(source: MediaRange, model_hash: str) -> str:
    """Names a tracked reference by all that it depends on.

    That is its file's content, the range, :data:`REFERENCE_FORMAT`, the face basis and the model that its sound was
    put in step with.
    """
    return f"{_digest(['reference', *_origin(source, model_hash)])}.npz"


def style_key(source: MediaRange, model_hash: str, *part_hashes: str) -> str:
    """Names a fitted style by its reference, :data:`STYLE_FORMAT` and the models that it and its parts come from."""
    made_with = [STYLE_FORMAT, *part_hashes]
    return f"{_digest(['style', *_origin(source, model_hash), *made_with])}.safetensors"


def content_hash(path: Path) -> str:
    """SHA-256 of a media file, remembered while its size and time stay the same."""
    try:
        stat = path.stat()
        return _content_hash(path, stat.st_size, stat.st_mtime_ns)
    except FileNotFoundError as error:
        raise MediaError(f"The file {path} does not exist.", "Choose another file or re-link the strip.") from error
    except OSError as error:
        raise MediaError(f"The file {path} cannot be read ({error.strerror}).", "Check its permissions.") from error


@functools.lru_cache(maxsize=64)
def _content_hash(path: Path, size: int, modified_ns: int) -> str:
    return file_hash(path)


def _basis_hash() -> str:
    from ..face.basis import open_basis

    return open_basis().hash


def _origin(source: MediaRange, model_hash: str) -> list[object]:
    # the name is part of the key because reports name their source
    media = [content_hash(source.path), source.path.name, source.start_seconds, source.end_seconds, source.track]
    return [*media, REFERENCE_FORMAT, _basis_hash(), model_hash]


def _digest(parts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
