# SPDX-License-Identifier: GPL-3.0-or-later
"""Whisper-base's encoder in torch, for training: any sound's values at once, on a graphics card where there is one.

The product runs the same weights through ctranslate2; here they are read from its file (Radford et al. 2022).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.models.speech.mel import BANDS
from core.models.speech.whisper import SIZE, WhisperProjection
from core.models.speech.whisper_files import MODEL_FILE, WhisperFiles

LAYERS, HEADS, HIDDEN, POSITIONS = 6, 8, 2048, 1500
# ctranslate2's numbers for the types that this file holds (include/ctranslate2/types.h)
_TYPES = {0: "<f4", 1: "i1", 2: "<i2", 3: "<i4", 4: "<f2"}
# what ctranslate2 calls the parts of a layer, and torch's TransformerEncoderLayer
_PARTS = {
    "self_attention/layer_norm/gamma": "norm1.weight",
    "self_attention/layer_norm/beta": "norm1.bias",
    "self_attention/linear_0/weight": "self_attn.in_proj_weight",
    "self_attention/linear_0/bias": "self_attn.in_proj_bias",
    "self_attention/linear_1/weight": "self_attn.out_proj.weight",
    "self_attention/linear_1/bias": "self_attn.out_proj.bias",
    "ffn/layer_norm/gamma": "norm2.weight",
    "ffn/layer_norm/beta": "norm2.bias",
    "ffn/linear_0/weight": "linear1.weight",
    "ffn/linear_0/bias": "linear1.bias",
    "ffn/linear_1/weight": "linear2.weight",
    "ffn/linear_1/bias": "linear2.bias",
}


class WhisperTeacher(nn.Module):
    """(B, 2 N, 80) Whisper's log-mel to (B, N, 512) values, N at most 1500."""

    positions: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(BANDS, SIZE, 3, padding=1)
        self.conv2 = nn.Conv1d(SIZE, SIZE, 3, stride=2, padding=1)
        layer = nn.TransformerEncoderLayer(
            SIZE, HEADS, HIDDEN, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, LAYERS, nn.LayerNorm(SIZE), enable_nested_tensor=False)
        self.register_buffer("positions", torch.zeros(POSITIONS, SIZE))

    def forward(self, mel: Tensor) -> Tensor:
        hidden = functional.gelu(self.conv1(mel.transpose(1, 2)))
        hidden = functional.gelu(self.conv2(hidden)).transpose(1, 2)
        values: Tensor = self.layers(hidden + self.positions[: hidden.shape[1]])
        return values

    @torch.inference_mode()
    def values(self, mel: NDArray[np.float32]) -> NDArray[np.float32]:
        """As :meth:`core.models.speech.whisper.WhisperNetwork.values`."""
        device = self.positions.device
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            found: NDArray[np.float32] = self(torch.from_numpy(mel).to(device)).float().cpu().numpy()
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Teaching:
    """The teacher with what is kept of its values: mean (512,), components (512, W), filters (80, 257)."""

    network: WhisperTeacher
    mean: Tensor
    components: Tensor
    filters: Tensor

    @classmethod
    def of(cls, network: WhisperTeacher, projection: WhisperProjection, width: int, device: torch.device) -> Teaching:
        """Of a projection's first ``width`` components."""
        parts = (projection.mean, projection.components[:, :width], projection.filters)
        tensors = [torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in parts]
        return cls(network.to(device).eval().requires_grad_(False), *tensors)

    @torch.no_grad()
    def values(self, power: Tensor) -> Tensor:
        """(B, 2 N, 257) power at 100 Hz to (B, N, W)."""
        mel = teacher_mel(power, self.filters)
        with torch.autocast(power.device.type, torch.bfloat16):
            found = self.network(mel).float()
        return (found - self.mean) @ self.components


def teacher_mel(power: Tensor, filters: Tensor) -> Tensor:
    """As :func:`core.models.speech.whisper.whisper_mel`, for a batch: each sample has its own loudest moment."""
    level = torch.log10((power @ filters.T).clamp_min(1e-10))
    return (torch.maximum(level, level.amax(dim=(1, 2), keepdim=True) - 8.0) + 4.0) / 4.0


def load_teacher(files: WhisperFiles) -> WhisperTeacher:
    """The encoder's weights out of ctranslate2's file. Raises :class:`ModelError` where that is another one."""
    return teacher_of(dict(encoder_tensors(files.read()[MODEL_FILE])))


def teacher_of(tensors: dict[str, NDArray[np.generic]]) -> WhisperTeacher:
    """The network with tensors under ctranslate2's names without ``encoder/``."""
    network, state = WhisperTeacher(), {}
    for name, value in tensors.items():
        state[_torch_name(name)] = torch.from_numpy(value.astype(np.float32))
    network.load_state_dict(state)
    return network.eval()


def _torch_name(name: str) -> str:
    first, _, rest = name.partition("/")
    if first.startswith("layer_") and first[6:].isdigit():
        return f"layers.layers.{int(first[6:])}.{_PARTS[rest]}"
    if first == "layer_norm":
        return {"gamma": "layers.norm.weight", "beta": "layers.norm.bias"}[rest]
    return {"position_encodings/encodings": "positions"}.get(name, name.replace("/", "."))


def encoder_tensors(model: bytes) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """Name (without ``encoder/``) and array of all that the encoder needs.

    ctranslate2's binary version 6: version, specification, revision, then for each variable its name, rank,
    dimensions, type, bytes.
    """
    place = 4
    name, place = _text(model, place)
    place += 4
    (count,) = struct.unpack_from("<I", model, place)
    place += 4
    for _ in range(count):
        name, place = _text(model, place)
        rank = model[place]
        shape = struct.unpack_from(f"<{rank}I", model, place + 1)
        kind, size = struct.unpack_from("<BI", model, place + 1 + 4 * rank)
        place += 6 + 4 * rank
        if name.startswith("encoder/") and rank:
            array = np.frombuffer(model, _TYPES[kind], size // np.dtype(_TYPES[kind]).itemsize, place)
            yield name.removeprefix("encoder/"), array.reshape(shape)
        place += size


def _text(model: bytes, place: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<H", model, place)
    return model[place + 2 : place + 1 + length].decode(), place + 2 + length
