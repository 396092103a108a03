# SPDX-License-Identifier: GPL-3.0-or-later
"""A model pack: a folder of networks trained on one's own people, used in place of the bundled ones.

``pack.json`` beside the weights says what they are and their checksums, ``card.md`` how they were measured. What a
pack lacks comes from the bundled files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from .errors import ModelError
from .weights import file_hash

PACK_FILE = "pack.json"
CARD_FILE = "card.md"
VERSION = 1
_REMEDY = "Choose a folder that python -m research.training people has written."


@dataclass(frozen=True, slots=True)
class ModelPack:
    """folder: where the files lie. speech_encoder: ``bundled``, ``whisper`` or the folder of the user's own model.

    layer: of such a model. checksums: SHA-256 of every file by its name.
    """

    folder: Path
    name: str
    speech_encoder: str
    checksums: Mapping[str, str] = field(hash=False)
    layer: int | None = None

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read and check a pack. Raises :class:`ModelError` for a folder that is none, or whose files are damaged."""
        path = Path(folder) / PACK_FILE
        if not path.is_file():
            raise ModelError(f"The folder {folder} is no model pack: it has no {PACK_FILE}.", _REMEDY)
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            version = int(stored["mimesh_pack"])
            pack = cls(
                Path(folder),
                str(stored["name"]),
                str(stored["speech_encoder"]),
                {str(name): str(checksum) for name, checksum in stored["checksums"].items()},
                None if stored.get("layer") is None else int(stored["layer"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"The model pack {folder} is damaged ({error}).", _REMEDY) from error
        if version > VERSION:
            raise ModelError(f"The model pack {folder} was made by a newer Mimesh.", "Update Mimesh.")
        pack._require_whole()
        return pack

    def _require_whole(self) -> None:
        for name, checksum in self.checksums.items():
            path = self.folder / name
            if Path(name).name != name or not path.is_file():
                raise ModelError(
                    f"The model pack {self.folder} lacks its file {name}.", "Copy the whole folder again."
                )
            if file_hash(path) != checksum:
                raise ModelError(f"The file {path} of the model pack is not as it was written.", "Copy it again.")

    def file(self, name: str) -> Path | None:
        """The pack's file called so; None where it has none and the bundled one serves."""
        return self.folder / name if name in self.checksums else None

    def save(self) -> None:
        """Write ``pack.json`` into the folder."""
        stored = {
            "mimesh_pack": VERSION,
            "name": self.name,
            "speech_encoder": self.speech_encoder,
            "layer": self.layer,
            "checksums": dict(self.checksums),
        }
        (self.folder / PACK_FILE).write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


def require_pack(folder: Path | None) -> None:
    """Raise :class:`ModelError` where a pack is chosen that is none, before an engine is started for it."""
    if folder is not None:
        ModelPack.open(folder)


def pack_of(
    folder: Path, name: str, speech_encoder: str, files: tuple[str, ...], layer: int | None = None
) -> ModelPack:
    """A pack of the files that lie in the folder now, written there."""
    checksums = {file: file_hash(folder / file) for file in files}
    pack = ModelPack(folder, name, speech_encoder, checksums, layer)
    pack.save()
    return pack
