# SPDX-License-Identifier: GPL-3.0-or-later
"""User banks of pose styles on disk: their content and changes to it. The bundled bank is never changed."""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import ModelError, SettingsError
from ..files import changed_by_one
from ..weights import VENDOR_MODELS, read_metadata
from .bank import BANK_FILE, FORMAT, PoseBank


def bank_names(path: Path) -> tuple[str, ...]:
    """The styles in a bank file, without reading their matrices.

    Raises :class:`ModelError` naming the file when it is no bank or damaged.
    """
    metadata = read_metadata(path)
    if metadata.get("format") != FORMAT:
        raise ModelError(f"The file {path} is not a Mimesh pose bank.", "Choose a bank that Mimesh has saved.")
    try:
        return tuple(str(entry["name"]) for entry in json.loads(metadata["entries"]))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ModelError(f"The pose bank {path} is damaged ({error}).", "Make it again.") from error


def remove_from_bank(path: Path, name: str) -> tuple[str, ...]:
    """Take a style out of a bank file; what is left.

    Raises :class:`SettingsError` when there is no such style, when it is the last one, or on the bundled bank, and
    :class:`ModelError` when the file cannot be read or written. The file is as before then.
    """
    with changed_by_one(path):
        left = PoseBank.load(path).removed(name)
        if not left.entries:
            raise SettingsError(f"{name} is the only style of the pose bank {path}.", "Use the bundled bank instead.")
        save_user_bank(left, path)
    return tuple(entry.name for entry in left.entries)


def save_user_bank(bank: PoseBank, path: Path) -> None:
    """Write a bank of the user's. Raises :class:`SettingsError` for the bundled bank, :class:`ModelError` as above."""
    bundled = VENDOR_MODELS / BANK_FILE
    if path.exists() and bundled.exists() and path.samefile(bundled):
        raise SettingsError(
            f"The bundled pose bank {path} is never changed.", "Choose another file for your user bank."
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        bank.save(path)
    except OSError as error:
        raise ModelError(
            f"The pose bank {path} cannot be written ({error.strerror or error}).", "Choose another file."
        ) from error
