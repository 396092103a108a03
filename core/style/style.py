# SPDX-License-Identifier: GPL-3.0-or-later
"""``Style``: everything learnt from one reference clip, as one file that can be named, shared and reused.

The file is safetensors. Its header holds the name, where the style comes from and which parts it has; a part's
arrays are named ``<part>:<array>``. A part whose name has no
type here (another engine's, or a later version's) is carried along as it is.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..face.motion import INTERNAL_FPS, MOTION_SIZE
from ..weights import TensorFile, read_tensors, require_sane, write_tensors
from .parts import PART_TYPES, EnginePart, ExpressionPart, EyesPart, MimicPart, PosePart, Stored, StylePart

# far beyond any person: gain, coefficients of the face basis, radians
_LARGEST = 100.0
_LARGEST_SECONDS = 1e9
FORMAT = "mimesh-style-2"
# what this version reads; the first had no parts
FORMATS = ("mimesh-style-1", FORMAT)
_FAMILY = "mimesh-style-"


@dataclass(frozen=True, slots=True)
class StyleProvenance:
    """Where a style came from and how reliable its fit is.

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
        return cls(**{**values, "warnings": tuple(map(str, values["warnings"]))})

    def __post_init__(self) -> None:
        for name in ("start_seconds", "seconds", "speech_seconds", "agreement"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not abs(value) <= _LARGEST_SECONDS:
                raise ValueError(f"{name} is {value!r}")
        for name in ("source", "model_hash", "basis_hash"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"{name} is {getattr(self, name)!r}")


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """How one speaker's face differs from the model's mean speaker.

    gain, offset: (53,) applied to expression then jaw coefficients; gain 1 and offset 0 change nothing.
    head: (T, 3) the reference's head motion, rotation vectors in radians relative to rest, 25 fps.
    expression, pose, eyes, mimic: what each model learnt, None where it did not. engine_parts: the same of engines
    without a field here, by the key of their part.
    created: UTC date and time (ISO 8601) of the first save in a library, empty before.
    """

    name: str
    gain: NDArray[np.float32]
    offset: NDArray[np.float32]
    head: NDArray[np.float32]
    provenance: StyleProvenance
    expression: ExpressionPart | None = None
    pose: PosePart | None = None
    eyes: EyesPart | None = None
    mimic: MimicPart | None = None
    created: str = ""
    engine_parts: Mapping[str, EnginePart] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, shape in (("gain", (MOTION_SIZE,)), ("offset", (MOTION_SIZE,)), ("head", (len(self.head), 3))):
            array = getattr(self, name)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"Style.{name} has shape {array.shape}, expected finite {shape}")
            require_sane(name, array, _LARGEST)

    @property
    def parts(self) -> dict[str, StylePart]:
        """The parts that are there, by name."""
        found = {name: getattr(self, name) for name in PART_TYPES}
        return {name: part for name, part in found.items() if part is not None} | dict(self.engine_parts)

    def with_part(self, name: str, part: EnginePart) -> Self:
        """The style with what an engine without a field here learnt. Raises ValueError for a field's name."""
        if name in PART_TYPES:
            raise ValueError(f"the part {name} has a field of its own")
        return dataclasses.replace(self, engine_parts={**self.engine_parts, name: part})

    @property
    def id(self) -> str:
        """Fingerprint of what the style was made from (clip and models), whatever it is called.

        The fitted values are left out: they follow from the clip and the models, and their last bits differ
        with the number of threads.
        """
        made_from = dataclasses.replace(self.provenance, agreement=0.0)
        digest = hashlib.sha256(made_from.to_json().encode())
        digest.update(np.ascontiguousarray(self.head, np.float32).tobytes())
        for name, part in self.parts.items():
            digest.update(f"{name} {part.made_with}".encode())
        return digest.hexdigest()[:16]

    def save(self, path: Path) -> None:
        """Write as safetensors with everything but the arrays in the header."""
        stored = {name: part.to_tensors() for name, part in self.parts.items()}
        metadata = {
            "format": FORMAT,
            "name": self.name,
            "fps": str(INTERNAL_FPS),
            "provenance": self.provenance.to_json(),
            "parts": json.dumps({name: part.values for name, part in stored.items()}, sort_keys=True),
            "created": self.created,
        }
        arrays: dict[str, NDArray[np.generic]] = {
            name: getattr(self, name).astype(np.float32) for name in ("gain", "offset", "head")
        }
        for part, content in stored.items():
            arrays.update({f"{part}:{name}": array for name, array in content.arrays.items()})
        write_tensors(path, arrays, metadata, checked=True)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a style file. Raises :class:`ModelError` naming the file when it is none."""
        file = read_tensors(path)
        require_style(file.metadata, path)
        try:
            return cls(
                name=file.metadata["name"],
                gain=file.tensors["gain"].astype(np.float32),
                offset=file.tensors["offset"].astype(np.float32),
                head=file.tensors["head"].astype(np.float32),
                provenance=StyleProvenance.from_json(file.metadata["provenance"]),
                created=file.metadata.get("created", ""),
                **_load_parts(file),
            )
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError) as error:
            raise damaged(path, error) from error


def require_style(metadata: dict[str, str], path: Path) -> None:
    """Raise :class:`ModelError` unless the header is that of a style this version can read."""
    found = str(metadata.get("format"))
    if found in FORMATS:
        return
    if found.startswith(_FAMILY):
        raise ModelError(f"The style {path} was saved by a newer Mimesh ({found}).", "Update the extension.")
    raise ModelError(f"The file {path} is not a Mimesh style.", "Choose a style that Mimesh has saved.")


def damaged(path: Path, error: Exception) -> ModelError:
    """The one sentence for a style file whose content does not hold together."""
    return ModelError(f"The style file {path} is damaged ({error}).", "Fit the style again.")


def _load_parts(file: TensorFile) -> dict[str, Any]:
    values = json.loads(file.metadata.get("parts", "{}"))
    if not isinstance(values, dict):
        raise ValueError("its list of parts is none")
    parts = {name: _load_part(name, values[name], file) for name in values}
    fields = {name: part for name, part in parts.items() if name in PART_TYPES}
    return {**fields, "engine_parts": {name: part for name, part in parts.items() if name not in PART_TYPES}}


def _load_part(name: str, values: dict[str, Any], file: TensorFile) -> StylePart:
    prefix = f"{name}:"
    arrays = {key.removeprefix(prefix): array for key, array in file.tensors.items() if key.startswith(prefix)}
    try:
        return PART_TYPES.get(name, EnginePart).from_tensors(Stored(arrays, values))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"its {name} part: {error}") from error
