# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a speech encoder by its name, or the one that a model was trained on."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from ...errors import ModelError, SettingsError
from ..device import choose_device
from .encoder import SpeechEncoder
from .hubert_folder import MODEL_TYPES
from .mel import MelEncoder
from .whisper_files import FOLDER_VARIABLE, whisper_folder, whisper_is_ready

ENCODER_NAMES = ("mel", "phonetic", "whisper", "hubert")
# what users choose from; anything else is a folder
AUTO, BUNDLED, WHISPER = "auto", "bundled", "whisper"
# which of ``ENCODER_NAMES`` the bundled face networks were trained on
BUNDLED_ENCODER = "phonetic"
# what models record of their encoder in their file's metadata
NAME_KEY, HASH_KEY = "encoder", "encoder_hash"
# as in .whisper, which is imported only where it is used
WHISPER_NAME = "whisper-base"
_HUBERT_NAME = re.compile(rf"({'|'.join(MODEL_TYPES)})-\d+-layer(\d+)")


def open_encoder(name: str, path: Path | None = None, layer: int | None = None, device: str = "auto") -> SpeechEncoder:
    """The encoder ``name``: ``mel``, ``phonetic`` or ``hubert``.

    path: for ``hubert`` the model's folder, for ``phonetic`` other weights than the bundled ones. layer: for
    ``hubert`` (default the last). Raises :class:`SettingsError` for what an encoder does not take, and what the
    encoders themselves raise.
    """
    if name not in ENCODER_NAMES:
        raise SettingsError(f"There is no speech encoder {name}.", f"Choose one of {', '.join(ENCODER_NAMES)}.")
    if layer is not None and name != "hubert":
        raise SettingsError(f"The speech encoder {name} has no layers to choose from.", "Leave the layer out.")
    if name == "hubert":
        return _open_hubert(path, layer, device)
    if name == "whisper":
        from .whisper import WhisperEncoder

        return WhisperEncoder.load(path)
    if name == "phonetic":
        from .phonetic import PhoneticEncoder

        return PhoneticEncoder.load(device=choose_device(device), path=path)
    if path is not None:
        raise SettingsError("The speech encoder mel needs no model file.", "Leave the path out.")
    return MelEncoder()


def encoder_of_model(
    metadata: Mapping[str, str],
    path: Path | None = None,
    device: str = "auto",
    shared: SpeechEncoder | None = None,
) -> SpeechEncoder:
    """The encoder that a model's metadata records, with the same hash.

    path: the folder of a local model, which no file records. shared: an open encoder, returned where it or the one
    beside it is wanted.
    Raises :class:`ModelError` where the encoder here gives other features than the model was trained on, or is not
    here at all.
    """
    recorded, wanted = metadata.get(NAME_KEY, ""), metadata.get(HASH_KEY, "")
    for opened in (shared, getattr(shared, "companion", None)):
        if opened is not None and opened.hash == wanted:
            return opened
    encoder = _open_recorded(recorded, path, device)
    if encoder.hash != wanted:
        raise ModelError(
            f"The model was trained on the speech encoder {recorded} {wanted[:8]}, but this one is "
            f"{encoder.name} {encoder.hash[:8]}.",
            "Choose the encoder's original files, or retrain the model.",
        )
    return encoder


def chosen_encoder(choice: str) -> str:
    """``bundled`` or ``whisper`` for what the user chose: either, or ``auto``, Whisper where it can run.

    A folder with Whisper-base is ``whisper`` as well, and remembered as the place of its weights. Raises
    :class:`SettingsError` for anything else: face weights for it come in a model pack.
    """
    if choice in (BUNDLED, WHISPER):
        return choice
    if choice == AUTO:
        return WHISPER if whisper_is_ready() else BUNDLED
    if whisper_folder(Path(choice)) is not None:
        os.environ[FOLDER_VARIABLE] = choice
        return WHISPER
    if Path(choice).is_dir():
        raise SettingsError(
            f"There are no face networks for the speech encoder in {choice}.",
            "Train them (python -m research.training people --speech-encoder FOLDER), and choose that model pack.",
        )
    raise SettingsError(
        f"There is no speech encoder {choice}.", "Choose auto, bundled, whisper or the folder of a Whisper-base."
    )


def open_chosen(choice: str, device: str = "auto") -> SpeechEncoder:
    """The encoder of :func:`chosen_encoder`'s answer."""
    return open_encoder(WHISPER if choice == WHISPER else BUNDLED_ENCODER, device=device)


def weights_file(bundled_name: str, encoder: str) -> str:
    """Name of the face weights for an encoder, such as ``adamesh_base_whisper.safetensors``."""
    stem, suffix = bundled_name.rsplit(".", 1)
    return bundled_name if encoder == BUNDLED else f"{stem}_{encoder}.{suffix}"


def _open_recorded(recorded: str, path: Path | None, device: str) -> SpeechEncoder:
    if recorded == MelEncoder.name:
        return open_encoder("mel", path, device=device)
    if recorded == WHISPER_NAME:
        return open_encoder("whisper", path, device=device)
    local = _HUBERT_NAME.fullmatch(recorded)
    if not local and recorded not in ENCODER_NAMES:
        raise ModelError(
            f"The model was trained on a speech encoder called {recorded}, which is not here.",
            "Install the extension again, or choose other weights.",
        )
    return open_encoder("hubert", path, int(local[2]), device) if local else open_encoder(recorded, path, None, device)


def _open_hubert(path: Path | None, layer: int | None, device: str) -> SpeechEncoder:
    if path is None:
        raise SettingsError(
            "The speech encoder hubert needs the folder of a HuBERT, wav2vec2 or WavLM model.",
            "Name the folder with its config.json and model.safetensors.",
        )
    from .hubert import HubertEncoder

    return HubertEncoder.load(path, layer, device)
