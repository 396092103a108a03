# SPDX-License-Identifier: GPL-3.0-or-later
"""Results kept on disk by content: a reference is tracked once, whatever its file is called."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..errors import MediaError
from ..weights import file_hash

if TYPE_CHECKING:
    from ..exchange.media_range import MediaRange

DEFAULT_LIMIT_BYTES = 512 * 1024 * 1024
# raise one where the code that makes such a result changes what it makes: older entries are then never read
REFERENCE_FORMAT = 3
STYLE_FORMAT = 5
# what an engine that was killed left half-written
_PARTIAL_NANOSECONDS = 3600 * 10**9
_T = TypeVar("_T")
# by path, size and time
_hashes: dict[tuple[Path, int, int], str] = {}
_MAX_HASHES = 64
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ArtifactCache:
    """A folder of files named by key; the least recently used go first when it grows over its limit.

    It can only make things faster: whatever is wrong with the folder or with an entry, a result is made again, and
    the log says so once. Several engines may share the folder.
    """

    folder: Path
    limit_bytes: int = DEFAULT_LIMIT_BYTES

    def load(self, key: str, reader: Callable[[Path], _T]) -> _T | None:
        """The stored value, or None; an entry that cannot be read counts as absent and is removed if it can be."""
        path = self.folder / key
        try:
            if not path.is_file():
                return None
            value = reader(path)
        except Exception as error:  # noqa: BLE001 (a file of any content: zip, zlib, header and value errors)
            _tell_once(f"cannot read {self.folder}", key, error)
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            return None
        # that it was used; a folder of somebody else's may refuse it
        with contextlib.suppress(OSError):
            os.utime(path)
        return value

    def store(self, key: str, writer: Callable[[Path], object]) -> None:
        """Write through a temporary name; what is larger than the whole cache may be is not kept."""
        partial = self.folder / f".{key}.{os.getpid()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            writer(partial)
            if partial.stat().st_size <= self.limit_bytes:
                partial.replace(self.folder / key)
                self._shrink()
        except Exception as error:  # noqa: BLE001 (the result is there already: only its keeping fails)
            _tell_once(f"cannot write {self.folder}", key, error)
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)

    def _shrink(self) -> None:
        entries = []
        for path in self.folder.iterdir():
            # another engine may be removing it just now
            with contextlib.suppress(OSError):
                if path.is_file():
                    entries.append((path.stat().st_mtime_ns, path.stat().st_size, path))
        newest = max((time for time, _, _ in entries), default=0)
        total = 0
        for time, size, path in sorted(entries, reverse=True):
            partial = path.name.startswith(".")
            total += 0 if partial else size
            # ages by the folder's own clock: the computer's may have jumped
            if total > self.limit_bytes or (partial and newest - time > _PARTIAL_NANOSECONDS):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)


@functools.cache
def _tell(what: str) -> None:
    _log.warning("the cache %s; results are made again instead", what)


def _tell_once(what: str, key: str, error: Exception) -> None:
    _tell(what)
    _log.debug("%s: %s (%s)", key, error, type(error).__name__)


def reference_key(source: MediaRange, model_hash: str, tick: Callable[[], None] = lambda: None) -> str:
    """Names a tracked reference by all that it depends on.

    That is its file's content, the range, :data:`REFERENCE_FORMAT`, the face basis and the model that its sound was
    put in step with. tick: called while a large file is read.
    """
    return f"{_digest(['reference', *_origin(source, model_hash, tick)])}.npz"


def style_key(source: MediaRange, model_hash: str, *part_hashes: str) -> str:
    """Names a fitted style by its reference, :data:`STYLE_FORMAT` and the models that it and its parts come from."""
    made_with = [STYLE_FORMAT, *part_hashes]
    return f"{_digest(['style', *_origin(source, model_hash), *made_with])}.safetensors"


def content_hash(path: Path, tick: Callable[[], None] = lambda: None) -> str:
    """SHA-256 of a media file, remembered while its size and time stay the same."""
    try:
        stat = path.stat()
        key = (path, stat.st_size, stat.st_mtime_ns)
        if key not in _hashes:
            if len(_hashes) >= _MAX_HASHES:
                _hashes.clear()
            _hashes[key] = file_hash(path, tick)
        return _hashes[key]
    except FileNotFoundError as error:
        raise MediaError(f"The file {path} does not exist.", "Choose another file or re-link the strip.") from error
    except OSError as error:
        raise MediaError(f"The file {path} cannot be read ({error.strerror}).", "Check its permissions.") from error


def _basis_hash() -> str:
    from ..face.basis import open_basis

    return open_basis().hash


def _origin(source: MediaRange, model_hash: str, tick: Callable[[], None] = lambda: None) -> list[object]:
    from ..arkit.read import is_recording
    from .recorded_reference import sound_beside

    # the name is part of the key because reports name their source
    seconds, chosen = (source.start_seconds, source.end_seconds), (source.track, source.person)
    media = [content_hash(source.path, tick), source.path.name, *seconds, *chosen]
    if is_recording(source.path) and (sound := sound_beside(source.path)) is not None:
        media += [content_hash(sound, tick), sound.name]
    return [*media, REFERENCE_FORMAT, _basis_hash(), model_hash]


def _digest(parts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]
