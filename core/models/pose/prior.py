# SPDX-License-Identifier: GPL-3.0-or-later
"""The trained pose prior as one file: VQ, PoseGPT, speech units, and the scales of what they are fed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...errors import ModelError
from ...files import whole_file
from ...pose.bank import PRIOR_FILE
from ...pose.local_dynamics import movement
from ...weights import bundled, file_hash, half_precision, read_tensors, write_tensors
from .gpt import GptConfig, PoseGpt
from .units import SpeechUnits
from .vq import PoseVq, VqConfig

FORMAT = "mimesh-pose-prior-1"
_UNIT_ARRAYS = ("centres", "mean", "deviation")


class PosePrior(nn.Module):
    """``vq`` and ``gpt`` with the mean and deviation of speech steps and of style statistics."""

    speech_mean: Tensor
    speech_deviation: Tensor
    style_mean: Tensor
    style_deviation: Tensor

    def __init__(self, vq: PoseVq, gpt: PoseGpt, feature_size: int) -> None:
        super().__init__()
        self.vq, self.gpt = vq, gpt
        # of a speech step's values the first so many are the encoder's
        self.feature_size = feature_size
        self.register_buffer("speech_mean", torch.zeros(gpt.config.speech_size))
        self.register_buffer("speech_deviation", torch.ones(gpt.config.speech_size))
        self.register_buffer("style_mean", torch.zeros(gpt.config.style_size))
        self.register_buffer("style_deviation", torch.ones(gpt.config.style_size))

    def measure(self, speech: NDArray[np.floating], statistics: NDArray[np.floating]) -> None:
        """Take mean and deviation from (N, S) speech steps and (M, 21) statistics (NaN: unknown)."""
        for name, values in (("speech", speech), ("style", statistics)):
            data = np.asarray(values, np.float64)
            getattr(self, f"{name}_mean").copy_(torch.from_numpy(np.nanmean(data, axis=0)))
            getattr(self, f"{name}_deviation").copy_(torch.from_numpy(np.maximum(np.nanstd(data, axis=0), 1e-3)))

    def speech_of(self, steps: Tensor) -> Tensor:
        """(..., S) z-scored, and kept within what training has seen."""
        return ((steps - self.speech_mean) / self.speech_deviation).clamp(-5, 5)

    def style_of(self, statistics: Tensor) -> Tensor:
        """(..., 21) z-scored; what is not known (NaN) counts as average."""
        return torch.nan_to_num((statistics - self.style_mean) / self.style_deviation, nan=0.0).clamp(-4, 4)

    @torch.inference_mode()
    def embed(self, statistics: NDArray[np.floating]) -> NDArray[np.float32]:
        """(21,) statistics to the (e,) style embedding."""
        values = torch.as_tensor(np.asarray(statistics, np.float32), device=self.style_mean.device)
        return self.gpt.embed_style(self.style_of(values)[None])[0].cpu().numpy()

    def average_style(self) -> NDArray[np.float32]:
        """(e,) embedding of a person who is average in every statistic.

        Not ``gpt.no_style``, the unconditional style: its motion depends on which training voice the speech is like.
        """
        return self.embed(np.full(len(self.style_mean), np.nan, np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class LoadedPrior:
    """prior in evaluation mode; units; encoder: name of the speech encoder of its training; hash: of the file."""

    prior: PosePrior
    units: SpeechUnits
    encoder: str
    hash: str


@torch.inference_mode()
def style_latents(vq: PoseVq, head: NDArray[np.floating]) -> NDArray[np.float32]:
    """(T, 3) radians to (T, d + 6): per frame the latent before quantisation, and the head's local dynamics.

    AdaMesh takes the latent alone. Its mean says where a head tends to point, hardly how much it moves, and the
    stillest style of a bank is then the nearest to everybody; so six values of local dynamics
    (:mod:`core.pose.local_dynamics`) are appended.
    """
    values = torch.as_tensor(np.asarray(head, np.float32), device=next(vq.parameters()).device)
    return np.concatenate([vq.encode_frames(values).cpu().numpy(), movement(head)], axis=1)


def save_prior(prior: PosePrior, units: SpeechUnits, encoder: str, path: Path, metadata: dict[str, str]) -> None:
    """Matrices and kernels in half precision; statistics, offsets and codebooks in single."""
    state = {f"network:{name}": value for name, value in prior.state_dict().items() if "codebooks" not in name}
    tensors = half_precision(state)
    # of the codebooks' state only the vectors serve outside training
    tensors["network:vq.codebooks.vectors"] = prior.vq.codebooks.vectors.detach().cpu().numpy()
    for name in _UNIT_ARRAYS:
        tensors[f"units:{name}"] = getattr(units, name).astype(np.float32)
    header = {
        "format": FORMAT,
        "vq": json.dumps(prior.vq.config.to_dict()),
        "gpt": json.dumps(prior.gpt.config.to_dict()),
        "feature_size": str(prior.feature_size),
        "encoder": encoder,
        "encoder_hash": units.encoder_hash,
    }
    with whole_file(path) as partial:
        write_tensors(partial, tensors, {**metadata, **header})


def load_prior(path: Path | None = None) -> LoadedPrior:
    """The bundled prior, or the file at ``path``. Raises :class:`ModelError` naming the file when it does not fit."""
    path = bundled(PRIOR_FILE) if path is None else path
    file = read_tensors(path)
    if file.metadata.get("format") != FORMAT:
        raise ModelError(f"The file {path} is not a Mimesh pose prior.", "Choose another file or train it again.")
    try:
        prior = PosePrior(
            PoseVq(VqConfig.from_dict(json.loads(file.metadata["vq"]))),
            PoseGpt(GptConfig(**json.loads(file.metadata["gpt"]))),
            int(file.metadata["feature_size"]),
        )
        _fill(prior, {k.removeprefix("network:"): v for k, v in file.tensors.items() if k.startswith("network:")})
        centres, mean, deviation = (file.tensors[f"units:{name}"].astype(np.float32) for name in _UNIT_ARRAYS)
        units = SpeechUnits(centres, mean, deviation, file.metadata["encoder_hash"])
        return LoadedPrior(prior.eval(), units, file.metadata["encoder"], file_hash(path))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"The pose prior {path} is damaged ({error}).", "Install or train it again.") from error


def _fill(prior: PosePrior, arrays: dict[str, NDArray[np.generic]]) -> None:
    """Strict but for the codebooks' running averages, which only training needs."""
    state = {name: torch.from_numpy(value.copy()).float() for name, value in arrays.items()}
    known = prior.state_dict()
    averages = [name for name in known if "codebooks" in name and not name.endswith("vectors")]
    prior.load_state_dict({**state, **{name: known[name] for name in averages}})
