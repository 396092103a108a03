# SPDX-License-Identifier: GPL-3.0-or-later
"""What all networks of a process share: the device, the speech encoder and the face basis, each opened once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import EngineSetupError
from ..face.basis import FaceBasis, open_basis

if TYPE_CHECKING:
    from ..models.speech.encoder import SpeechEncoder

DEFAULT_ENCODER = "auto"
# beyond this the small networks only lose time to synchronisation
MAX_THREADS = 4


@dataclass(frozen=True, slots=True, eq=False)
class EngineContext:
    """device: as torch names it. choice: ``bundled`` or ``whisper``, after which face weights are named.

    encoder: serves every network whose weights were trained on it, and encodes a speech once for all of them; weights
    of another encoder open their own. basis: what motion is written in.
    """

    device: str
    choice: str
    encoder: SpeechEncoder
    basis: FaceBasis


def open_context(device: str, encoder: str = DEFAULT_ENCODER) -> EngineContext:
    """Open the encoder that the user chose (``auto``, a name or a folder) on the device of :func:`resolve_device`.

    Raises :class:`MimeshError` where the encoder is unknown or its weights are missing.
    """
    from ..models.speech.memoised import memoised
    from ..models.speech.registry import chosen_encoder, open_chosen

    choice = chosen_encoder(encoder)
    return EngineContext(device, choice, memoised(open_chosen(choice, device)), open_basis())


def resolve_device(wish: str) -> str:
    """``auto``, ``cpu`` or ``cuda`` as the device to compute on, with torch's threads set up.

    Raises :class:`EngineSetupError` without torch, and for CUDA where there is none.
    """
    # read when torch loads its thread pool: spinning waits made 0.2 s into 3 s on a busy two-core machine
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import torch

        from ..models.device import choose_device
    except ImportError as error:
        raise unusable_python(error) from error
    torch.set_num_threads(min(os.cpu_count() or 1, MAX_THREADS))
    return choose_device(wish)


def unusable_python(error: ImportError) -> EngineSetupError:
    """The one sentence for a Python that lacks what a network needs."""
    return EngineSetupError(
        f"The speech model cannot run in this Python ({error}).",
        "Run the engine setup, or choose a Python that has its packages.",
    )
