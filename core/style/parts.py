# SPDX-License-Identifier: GPL-3.0-or-later
"""The optional parts of a :class:`~core.style.style.Style`: what each model stores of one speaker.

A part is stored as arrays plus a few plain values (``Stored``). Which model made it is among the values, so
that a part never meets another model's numbers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ..face.motion import MOTION_SIZE
from ..weights import require_sane
from .likeness import LikenessCorrection

FloatArray = NDArray[np.float32]
MIMIC_CODE_SIZE = 128
# far beyond anything that was ever learnt
_LARGEST, _LARGEST_SCALE, _LARGEST_RANK = 1e6, 100.0, 4096
_MOST_OF_EYES = {
    "blinks_per_minute": 300.0,
    "blink_seconds": 10.0,
    "clustering": 10.0,
    "pause_share": 1e4,
    "gaze_activity": 100.0,
}
_ADAPTER, _LIKENESS = "adapter/", "likeness/"


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A part as it lies in the file: arrays by name, and values that JSON can hold."""

    arrays: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


class StylePart(Protocol):
    """What ``Style`` needs of a part."""

    def to_tensors(self) -> Stored: ...

    @classmethod
    def from_tensors(cls, stored: Stored) -> Self:
        """Inverse of ``to_tensors``. Raises KeyError, TypeError or ValueError on nonsense."""
        ...

    @property
    def made_with(self) -> str:
        """Which models made it; no fitted value, since those differ in their last bits between machines."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionPart:
    """AdaMesh's expression adapter for one speaker.

    adapter: MoLoRA's low-rank arrays by full name (:meth:`core.models.adamesh.molora.Molora.state`),
    ``<layer>/<pair>/down`` (rank, inputs * kernel) and ``<layer>/<pair>/up`` (outputs, rank), pairs numbered from 0;
    empty where the clip had no usable sound. ranks: of the parallel pairs. scale: of their sum. base_hash: SHA-256 of
    the base model's file. style_embedding: (256,). identity: (12,) input of the identity encoder. gain, offset: (53,)
    residual affine correction, the identity in files of earlier versions. likeness: the correction after all of them,
    None in files of earlier versions.
    """

    adapter: Mapping[str, FloatArray]
    ranks: tuple[int, ...]
    scale: float
    base_hash: str
    style_embedding: FloatArray
    identity: FloatArray
    gain: FloatArray = field(default_factory=lambda: np.ones(MOTION_SIZE, np.float32))
    offset: FloatArray = field(default_factory=lambda: np.zeros(MOTION_SIZE, np.float32))
    likeness: LikenessCorrection | None = None

    def __post_init__(self) -> None:
        for name in ("style_embedding", "identity", "gain", "offset"):
            _require_finite(name, getattr(self, name), 1)
        if self.gain.shape != (MOTION_SIZE,) or self.offset.shape != (MOTION_SIZE,):
            raise ValueError(f"gain and offset have shapes {self.gain.shape} and {self.offset.shape}")
        for name, array in self.adapter.items():
            _require_finite(name, array, array.ndim)
        if not abs(self.scale) <= _LARGEST_SCALE or not all(0 < rank <= _LARGEST_RANK for rank in self.ranks):
            raise ValueError(f"scale is {self.scale}, ranks are {self.ranks}")

    @property
    def made_with(self) -> str:
        """The base model and the ranks."""
        return f"{self.base_hash} {list(self.ranks) if self.adapter else 'no adapter'}"

    def to_tensors(self) -> Stored:
        """For the file."""
        arrays: dict[str, NDArray[np.generic]] = {
            "style_embedding": self.style_embedding.astype(np.float32),
            "identity": self.identity.astype(np.float32),
            "gain": self.gain.astype(np.float32),
            "offset": self.offset.astype(np.float32),
        }
        arrays.update({_ADAPTER + name: array.astype(np.float32) for name, array in self.adapter.items()})
        values = {"ranks": list(self.ranks), "scale": self.scale, "base_hash": self.base_hash}
        _add_likeness(self.likeness, arrays, values)
        return Stored(arrays, values)

    @classmethod
    def from_tensors(cls, stored: Stored) -> Self:
        """Inverse of :meth:`to_tensors`."""
        names = [name for name in stored.arrays if name.startswith(_ADAPTER)]
        known = {name: _floats(stored.arrays[name]) for name in ("gain", "offset") if name in stored.arrays}
        return cls(
            adapter={name.removeprefix(_ADAPTER): _floats(stored.arrays[name]) for name in names},
            ranks=tuple(int(rank) for rank in stored.values["ranks"]),
            scale=float(stored.values["scale"]),
            base_hash=str(stored.values["base_hash"]),
            style_embedding=_floats(stored.arrays["style_embedding"]),
            identity=_floats(stored.arrays["identity"]),
            likeness=_likeness_of(stored),
            **known,
        )


@dataclass(frozen=True, slots=True, eq=False)
class PosePart:
    """AdaMesh's semantic-aware pose style matrix (section 3.3).

    matrix: (K, d) mean pose latent per speech unit, in the prior's latent space. counts: (K,) frames that each
    row was averaged over; 0 marks a unit that the clip never shows.
    The hashes name the speech units, the speech encoder and the pose prior that gave rows their meaning.
    """

    matrix: FloatArray
    counts: FloatArray
    unit_hash: str
    encoder_hash: str
    prior_hash: str

    def __post_init__(self) -> None:
        _require_finite("matrix", self.matrix, 2)
        _require_finite("counts", self.counts, 1)
        if len(self.counts) != len(self.matrix) or (self.counts < 0).any():
            raise ValueError(f"{len(self.counts)} counts for a matrix of {len(self.matrix)} rows")

    @property
    def made_with(self) -> str:
        """The three models."""
        return f"{self.unit_hash} {self.encoder_hash} {self.prior_hash}"

    def to_tensors(self) -> Stored:
        """For the file."""
        arrays: dict[str, NDArray[np.generic]] = {
            "matrix": self.matrix.astype(np.float32),
            "counts": self.counts.astype(np.float32),
        }
        hashes = {name: getattr(self, name) for name in ("unit_hash", "encoder_hash", "prior_hash")}
        return Stored(arrays, hashes)

    @classmethod
    def from_tensors(cls, stored: Stored) -> Self:
        """Inverse of :meth:`to_tensors`."""
        values = stored.values
        return cls(
            matrix=_floats(stored.arrays["matrix"]),
            counts=_floats(stored.arrays["counts"]),
            unit_hash=str(values["unit_hash"]),
            encoder_hash=str(values["encoder_hash"]),
            prior_hash=str(values["prior_hash"]),
        )


@dataclass(frozen=True, slots=True)
class EyesPart:
    """Blink and gaze statistics of one speaker.

    blinks_per_minute; blink_seconds: mean duration; clustering: 0 is even, 0.5 by chance, 1 all in bursts;
    pause_share: share of blinks that begin in speech pauses over the share of time that is pause, 1 is no
    preference; gaze_activity: gaze movement relative to the natural default (1).
    """

    blinks_per_minute: float
    blink_seconds: float
    clustering: float
    pause_share: float
    gaze_activity: float

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if not 0 <= value <= _MOST_OF_EYES[name]:
                raise ValueError(f"{name} is {value}")

    @property
    def made_with(self) -> str:
        """Statistics need no model."""
        return ""

    def to_tensors(self) -> Stored:
        """For the file: five numbers, no array."""
        return Stored(values=dataclasses.asdict(self))

    @classmethod
    def from_tensors(cls, stored: Stored) -> Self:
        """Inverse of :meth:`to_tensors`."""
        return cls(**{item.name: float(stored.values[item.name]) for item in dataclasses.fields(cls)})


@dataclass(frozen=True, slots=True, eq=False)
class MimicPart:
    """Mimic's style code (128,) and the model whose code it is.

    likeness: what the person does otherwise than the model in this code; None without sound and in earlier files.
    """

    code: FloatArray
    model_hash: str
    likeness: LikenessCorrection | None = None

    def __post_init__(self) -> None:
        _require_finite("code", self.code, 1)
        if self.code.shape != (MIMIC_CODE_SIZE,):
            raise ValueError(f"code has shape {self.code.shape}, expected {(MIMIC_CODE_SIZE,)}")

    @property
    def made_with(self) -> str:
        """The model."""
        return self.model_hash

    def to_tensors(self) -> Stored:
        """For the file."""
        arrays: dict[str, NDArray[np.generic]] = {"code": self.code.astype(np.float32)}
        values: dict[str, Any] = {"model_hash": self.model_hash}
        _add_likeness(self.likeness, arrays, values)
        return Stored(arrays, values)

    @classmethod
    def from_tensors(cls, stored: Stored) -> Self:
        """Inverse of :meth:`to_tensors`."""
        return cls(_floats(stored.arrays["code"]), str(stored.values["model_hash"]), _likeness_of(stored))


@dataclass(frozen=True, slots=True, eq=False)
class EnginePart:
    """What an engine without a type of its own above learnt of a person, kept as it is.

    arrays, values: whatever the engine needs to speak in this style. made_with: which weights of the engine made it.
    """

    made_with: str
    arrays: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_tensors(self) -> Stored:
        """For the file."""
        return Stored(dict(self.arrays), {**self.values, "made_with": self.made_with})

    @classmethod
    def from_tensors(cls, stored: Stored) -> Self:
        """Inverse of :meth:`to_tensors`."""
        values = dict(stored.values)
        return cls(str(values.pop("made_with", "")), stored.arrays, values)


# by the name of the style's field, which is also the name in the file; any other name is an EnginePart
PART_TYPES: Mapping[str, type[StylePart]] = {
    "expression": ExpressionPart,
    "pose": PosePart,
    "eyes": EyesPart,
    "mimic": MimicPart,
}


def _add_likeness(
    likeness: LikenessCorrection | None, arrays: dict[str, NDArray[np.generic]], values: dict[str, Any]
) -> None:
    """Where there is one; a part without it is as in files of earlier versions."""
    if likeness is not None:
        arrays.update(likeness.arrays(_LIKENESS))
        values["learnt_share"] = likeness.learnt_share


def _likeness_of(stored: Stored) -> LikenessCorrection | None:
    share = stored.values.get("learnt_share")
    return None if share is None else LikenessCorrection.of_arrays(stored.arrays, _LIKENESS, float(share))


def _floats(array: NDArray[np.generic]) -> FloatArray:
    return array.astype(np.float32)


def _require_finite(name: str, array: NDArray[np.float32], dimensions: int) -> None:
    if array.ndim != dimensions or not np.isfinite(array).all():
        raise ValueError(f"{name} has shape {array.shape}, expected {dimensions} finite dimensions")
    require_sane(name, array, _LARGEST)
