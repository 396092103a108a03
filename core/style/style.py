# SPDX-License-Identifier: GPL-3.0-or-later
"""``Style``: what one reference leaves behind, as a small file that can be named, shared and used again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..face.motion import INTERNAL_FPS, MOTION_SIZE
from ..weights import read_tensors, write_tensors

FORMAT = "mimesh-style-1"


@dataclass(frozen=True, slots=True)
class StyleProvenance:
    """Where a style came from and how far it can be trusted.

    agreement: correlation of the model's mouth opening with the tracked one, 0 when the reference has no
    usable sound. speech_seconds: what the face's style was fitted on. warnings: sentences for the user.
    """

    source: str
    start_seconds: float
    seconds: float
    speech_seconds: float
    agreement: float
    model_hash: str
    basis_hash: str
    warnings: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Stable text: the same provenance always gives the same bytes."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Inverse of :meth:`to_json`."""
        values: dict[str, Any] = json.loads(text)
        return cls(**{**values, "warnings": tuple(values["warnings"])})


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """How one person's face differs from the model's average speaker.

    gain, offset: (53,) applied to expression then jaw coefficients; gain 1 and offset 0 change nothing.
    head: (T, 3) the reference's head motion, rotation vectors in radians relative to rest, 25 fps.
    """

    name: str
    gain: NDArray[np.float32]
    offset: NDArray[np.float32]
    head: NDArray[np.float32]
    provenance: StyleProvenance

    def __post_init__(self) -> None:
        for name, shape in (("gain", (MOTION_SIZE,)), ("offset", (MOTION_SIZE,)), ("head", (len(self.head), 3))):
            array = getattr(self, name)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"Style.{name} has shape {array.shape}, expected finite {shape}")

    @property
    def id(self) -> str:
        """Fingerprint of what the style was made from, whatever it is called.

        The fitted values are left out: they follow from the clip and the model, and their last bits differ
        with the number of threads.
        """
        made_from = dataclasses.replace(self.provenance, agreement=0.0)
        digest = hashlib.sha256(made_from.to_json().encode())
        digest.update(np.ascontiguousarray(self.head, np.float32).tobytes())
        return digest.hexdigest()[:16]

    def save(self, path: Path) -> None:
        """Write as safetensors with the provenance in the header."""
        metadata = {
            "format": FORMAT,
            "name": self.name,
            "fps": str(INTERNAL_FPS),
            "provenance": self.provenance.to_json(),
        }
        arrays: dict[str, NDArray[np.generic]] = {
            "gain": self.gain.astype(np.float32),
            "offset": self.offset.astype(np.float32),
            "head": self.head.astype(np.float32),
        }
        write_tensors(path, arrays, metadata)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a style file. Raises :class:`ModelError` naming the file when it is none."""
        file = read_tensors(path)
        if file.metadata.get("format") != FORMAT:
            raise ModelError(f"The file {path} is not a Mimesh style.", "Choose a style that Mimesh has saved.")
        try:
            return cls(
                name=file.metadata["name"],
                gain=file.tensors["gain"].astype(np.float32),
                offset=file.tensors["offset"].astype(np.float32),
                head=file.tensors["head"].astype(np.float32),
                provenance=StyleProvenance.from_json(file.metadata["provenance"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"The style file {path} is damaged ({error}).", "Fit the style again.") from error
