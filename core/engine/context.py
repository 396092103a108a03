# SPDX-License-Identifier: GPL-3.0-or-later
"""What all networks of a process share: the device, the speech encoder and the face basis, each opened once."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..checkpoint import uninterrupted
from ..errors import EngineSetupError, ModelError
from ..face.basis import FaceBasis, open_basis
from ..model_pack import ModelPack
from ..weights import bundled

if TYPE_CHECKING:
    from ..audio.speech import Speech
    from ..models.speech.encoder import SpeechEncoder

DEFAULT_ENCODER = "auto"
# of a pack whose encoder is the user's own: no bundled face weights go with it
PACK_CHOICE = "pack"
# beyond this the small networks only lose time to synchronisation
MAX_THREADS = 4


@dataclass(frozen=True, slots=True, eq=False)
class EngineContext:
    """device: as torch names it. choice: ``bundled``, ``whisper`` or ``pack``, after which face weights are named.

    pack: the user's own networks, which take the place of the bundled ones that it has. encoder: serves every network
    whose weights were trained on it, and encodes a speech once for all of them; weights of another encoder open their
    own. basis: what motion is written in.
    """

    device: str
    choice: str
    encoder: SpeechEncoder
    basis: FaceBasis
    pack: ModelPack | None = None

    def weights(self, name: str) -> Path:
        """The file of face weights with this bundled name: the pack's, else the bundled one for the encoder.

        Raises :class:`ModelError` where there is none.
        """
        from ..models.speech.registry import weights_file

        own = self.pack.file(name) if self.pack else None
        return bundled(weights_file(name, self.choice)) if own is None else own

    def encode_ahead(self, speeches: Sequence[Speech]) -> None:
        """Encode many speeches together, for whatever asks for them one by one afterwards."""
        from ..models.speech.memoised import MemoisedEncoder

        if isinstance(self.encoder, MemoisedEncoder):
            self.encoder.encode_ahead(speeches)


def open_context(device: str, encoder: str = DEFAULT_ENCODER, pack: Path | None = None) -> EngineContext:
    """Open the encoder that the user chose (``auto``, a name or a folder) on the device of :func:`resolve_device`.

    pack: the folder of a model pack, which brings its own choice. Raises :class:`MimeshError` where the encoder is
    unknown or its weights are missing, and where the pack is none or needs another encoder than was chosen.
    """
    from ..models.speech.memoised import memoised
    from ..models.speech.registry import chosen_encoder, open_chosen

    if pack is not None:
        return _context_of_pack(device, encoder, ModelPack.open(pack))
    choice = chosen_encoder(encoder)
    return EngineContext(device, choice, memoised(open_chosen(choice, device)), open_basis())


def _context_of_pack(device: str, wish: str, pack: ModelPack) -> EngineContext:
    from ..models.speech.memoised import memoised
    from ..models.speech.registry import BUNDLED, WHISPER, open_chosen, open_encoder

    named = pack.speech_encoder in (BUNDLED, WHISPER)
    # a folder of the user's own may have moved since: a chosen folder is where it is now
    if named and wish not in (DEFAULT_ENCODER, pack.speech_encoder):
        raise ModelError(
            f"The model pack {pack.name} was trained on the speech encoder {pack.speech_encoder}, not on {wish}.",
            f"Choose the speech encoder Automatic or {pack.speech_encoder}.",
        )
    if named:
        opened, choice = open_chosen(pack.speech_encoder, device), pack.speech_encoder
    else:
        folder = pack.speech_encoder if wish == DEFAULT_ENCODER else wish
        opened, choice = open_encoder("hubert", Path(folder), pack.layer, device), PACK_CHOICE
    return EngineContext(device, choice, memoised(opened), open_basis(), pack)


def resolve_device(wish: str) -> str:
    """``auto``, ``cpu`` or ``cuda`` as the device to compute on, with torch's threads and precision set up.

    Raises :class:`EngineSetupError` without torch, and for CUDA where there is none.
    """
    # read when torch loads its thread pool: spinning waits made 0.2 s into 3 s on a busy two-core machine
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        with loading_torch():
            import torch

        from ..models.device import choose_device
    except ImportError as error:
        raise unusable_python(error) from error
    asked, cores = os.environ.get("OMP_NUM_THREADS", ""), os.cpu_count() or 1
    # a wish of nothing, or of more than there is, is none
    torch.set_num_threads(
        min(max(int(asked), 1), cores) if asked.isdecimal() and len(asked) < 5 else min(cores, MAX_THREADS)
    )
    # a card's shortened float32 (TF32) is off by a thousandth, enough for another head from the same seed
    torch.backends.cudnn.allow_tf32 = False
    return choose_device(wish)


def loading_torch() -> contextlib.AbstractContextManager[None]:
    """Around the process' first import of torch, which takes seconds, on a busy computer half a minute."""
    return contextlib.nullcontext() if "torch" in sys.modules else uninterrupted("loading PyTorch")


def unusable_python(error: ImportError) -> EngineSetupError:
    """The one sentence for a Python that lacks what a network needs."""
    return EngineSetupError(
        f"The speech model cannot run in this Python ({error}).",
        "Run the engine setup, or choose a Python that has its packages.",
    )
