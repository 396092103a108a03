# SPDX-License-Identifier: GPL-3.0-or-later
"""A style library: a folder of style files, found by name.

The name is in the file's header; the file is called after it as far as file systems allow, so that people can
also copy files in and out by hand. Names that would share a file name count as equal.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import MimeshError, ModelError, SettingsError
from ..files import NAME_LIMIT, changed_by_one, file_stem, whole_file
from ..weights import read_metadata, read_tensors, write_tensors
from .parts import PART_TYPES
from .style import Style, StyleProvenance, damaged, require_style

SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True)
class StyleEntry:
    """One line of the listing; ``problem`` says why a file cannot be used (the rest is empty then).

    source: the reference clip's file name. seconds: of reference. created: UTC date and time (ISO 8601), empty
    when unknown. parts: names of the style's parts. warnings: sentences from the fit.
    """

    name: str
    path: Path
    source: str = ""
    seconds: float = 0.0
    created: str = ""
    parts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class StyleLibrary:
    """The styles in ``folder``; it need not exist before the first save. Nothing is remembered between calls."""

    folder: Path

    def entries(self) -> tuple[StyleEntry, ...]:
        """Every style, by name; a damaged file is an entry with a problem. Reads headers only."""
        paths = self.folder.glob(f"[!.]*{SUFFIX}") if self.folder.is_dir() else ()
        return tuple(sorted(map(read_entry, paths), key=lambda entry: (entry.name.casefold(), entry.name)))

    def find(self, name: str) -> StyleEntry:
        """The entry of this name. Raises :class:`SettingsError` naming those that are there."""
        entry = self._look_up(name)
        if entry is None:
            present = ", ".join(entry.name for entry in self.entries()) or "none"
            raise SettingsError(
                f'There is no style called "{name}" in {self.folder} (present: {present}).',
                "Choose one of them, or a style file.",
            )
        return entry

    def resolve(self, name_or_path: str) -> Path:
        """The file of a style given by its name here or by its path; a name goes first.

        Raises :class:`SettingsError` for neither.
        """
        if entry := self._look_up(name_or_path):
            return entry.path
        path = Path(name_or_path)
        if path.suffix == SUFFIX or path.is_file():
            return path
        return self.find(name_or_path).path

    def save(self, style: Style, name: str = "", replace: bool = False) -> StyleEntry:
        """Keep ``style``, under its own name when none is given.

        Raises :class:`SettingsError` when the name is taken and ``replace`` is False.
        """
        name = checked_name(name or style.name)
        created = style.created or datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        with changed_by_one(self.folder):
            old = self._look_up(name)
            if old is not None and not replace:
                raise _taken(old)
            path = old.path if old else self._path(name)
            with self._writing(path):
                self.folder.mkdir(parents=True, exist_ok=True)
                with whole_file(path) as partial:
                    dataclasses.replace(style, name=name, created=created).save(partial)
        return read_entry(path)

    def rename(self, name: str, new_name: str) -> StyleEntry:
        """Give a style another name; also what this version cannot read of it stays in the file."""
        new_name = checked_name(new_name)
        old = self.find(name)
        if (other := self._look_up(new_name)) and other.path != old.path:
            raise _taken(other)
        path = self._path(new_name)
        with self._writing(path):
            _write_renamed(old.path, path, new_name)
            # on a file system that ignores case both may be the one new file
            if path != old.path and not old.path.samefile(path):
                old.path.unlink()
        return read_entry(path)

    def delete(self, name: str) -> None:
        """Remove a style, or a damaged file that the listing shows."""
        entry = self.find(name)
        with self._writing(entry.path):
            entry.path.unlink(missing_ok=True)

    def export(self, name: str, path: Path) -> Path:
        """Copy a style to ``path`` (a folder, or a file that is replaced); returns the file."""
        entry = self.find(name)
        target = path / entry.path.name if path.is_dir() else path.with_name(path.name.removesuffix(SUFFIX) + SUFFIX)
        with self._writing(target), whole_file(target) as partial:
            partial.write_bytes(entry.path.read_bytes())
        return target

    def import_file(self, path: Path) -> StyleEntry:
        """Copy a style file into the library; a name that is taken gets a number.

        Raises :class:`ModelError` when the file is no style, or a damaged one.
        """
        wanted = Style.load(path).name
        with changed_by_one(self.folder):
            name = self.free_name(wanted)
            target = self._path(name)
            with self._writing(target):
                self.folder.mkdir(parents=True, exist_ok=True)
                _write_renamed(path, target, name)
        return read_entry(target)

    def take_in(self, data: bytes) -> StyleEntry:
        """The style whose file these bytes are: the one that is here already, or else copied in.

        Raises :class:`ModelError` when they are no style.
        """
        for entry in self.entries():
            if not entry.problem and entry.path.stat().st_size == len(data) and entry.path.read_bytes() == data:
                return entry
        with tempfile.TemporaryDirectory(prefix="mimesh-style-") as folder:
            path = Path(folder) / f"Style{SUFFIX}"
            path.write_bytes(data)
            try:
                return self.import_file(path)
            except ModelError as error:
                told = error.message.replace(str(path), "in it")
                raise ModelError(f"What is given is no style that can be read: {told}", "Get another copy.") from error

    def free_name(self, wanted: str) -> str:
        """``wanted``, or with the first number that nobody has: "Ada 2"."""
        stem = _one_line(wanted)[:NAME_LIMIT].strip() or "Style"
        name, number = stem, 1
        while self._look_up(name) is not None or not file_stem(name):
            number += 1
            name = f"{stem[: NAME_LIMIT - 5].strip()} {number}"
        return name

    def _path(self, name: str) -> Path:
        return self.folder / f"{file_stem(name)}{SUFFIX}"

    def _look_up(self, name: str) -> StyleEntry | None:
        key = file_stem(name).casefold()
        return next((entry for entry in self.entries() if file_stem(entry.name).casefold() == key), None)

    @contextlib.contextmanager
    def _writing(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ModelError(
                f"The style file {path} cannot be written ({error.strerror or error}).", "Check the folder's rights."
            ) from error


def read_entry(path: Path) -> StyleEntry:
    """What the header of a style file says; a file that is none becomes an entry with a problem."""
    try:
        return _parsed_entry(path, read_metadata(path))
    except MimeshError as error:
        return StyleEntry(path.stem, path, problem=error.message)


def checked_name(name: str) -> str:
    """``name`` without outer blanks. Raises :class:`SettingsError` when it cannot name a style."""
    name = _one_line(name)
    if not file_stem(name) or len(name) > NAME_LIMIT:
        raise SettingsError(
            f'"{name:.80}" cannot name a style.', f"Give it a name of 1 to {NAME_LIMIT} characters, not only dots."
        )
    return name


def _parsed_entry(path: Path, metadata: dict[str, str]) -> StyleEntry:
    require_style(metadata, path)
    try:
        provenance = StyleProvenance.from_json(metadata["provenance"])
        parts = json.loads(metadata.get("parts", "{}"))
        name = metadata["name"]
        return StyleEntry(
            # a file that somebody renamed by hand goes by that name
            name=name if file_stem(name).casefold() == path.stem.casefold() else path.stem,
            path=path,
            source=Path(provenance.source).name,
            seconds=float(provenance.seconds),
            created=metadata.get("created", ""),
            parts=(
                *(part for part in PART_TYPES if part in parts),
                *(part for part in parts if part not in PART_TYPES),
            ),
            warnings=provenance.warnings,
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError) as error:
        raise damaged(path, error) from error


def _write_renamed(source: Path, target: Path, name: str) -> None:
    file = read_tensors(source)
    with whole_file(target) as partial:
        write_tensors(partial, file.tensors, {**file.metadata, "name": name}, checked=True)


def _one_line(name: str) -> str:
    return " ".join(name.split())


def _taken(entry: StyleEntry) -> SettingsError:
    return SettingsError(f'The library has a style called "{entry.name}" already.', "Choose another name.")
