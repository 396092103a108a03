# SPDX-License-Identifier: GPL-3.0-or-later
"""The bank of pose styles: one file, to which a user's own clips are added without training. numpy only."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError, SettingsError
from ..files import whole_file
from ..weights import TensorFile, read_tensors, require_sane, write_tensors
from .statistics import STATISTICS
from .style_matrix import StyleMatrix, matrix_distance

# far beyond any entry of the bundled bank (1565)
_LARGEST = 1e6
FORMAT = "mimesh-pose-bank-1"
BANK_FILE = "pose_bank.safetensors"
# the pose prior that a bank was made by: bundled, or next to the bank
PRIOR_FILE = "pose_prior.safetensors"
# two statistics of a clip without sound are not known, and stand as NaN
_MAY_LACK = ("statistics",)
# entries of the pose codebook: for each step of a head's motion a row, one entry for each level
Codes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class BankEntry:
    """One style: the head motion of a speaker, or of a known variation of one.

    matrix: see :class:`StyleMatrix`. embedding: (e,) what the generator is conditioned on. statistics: (21,) of
    :mod:`core.pose.statistics`. speaker: whose head it is. provenance: a sentence: recording, licence, variation.
    """

    name: str
    speaker: str
    matrix: StyleMatrix
    embedding: NDArray[np.float32]
    statistics: NDArray[np.float32]
    provenance: str

    def __post_init__(self) -> None:
        if self.statistics.shape != (len(STATISTICS),) or self.embedding.ndim != 1:
            raise ValueError(f"BankEntry {self.name}: {self.statistics.shape} statistics, {self.embedding.shape}")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A retrieved style: its distance to the reference, and its share in the mix (shares sum to 1)."""

    name: str
    distance: float
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Retrieval:
    """neighbours: nearest first. embedding, statistics: of their mix."""

    neighbours: tuple[Neighbour, ...]
    embedding: NDArray[np.float32]
    statistics: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class PoseBank:
    """entries: in order of addition. scale: (d,) weight of each latent dimension in distances.

    The hashes name the pose prior and the speech units by which the matrices were made.
    """

    entries: tuple[BankEntry, ...]
    scale: NDArray[np.float32]
    prior_hash: str
    unit_hash: str

    def __len__(self) -> int:
        return len(self.entries)

    def added(self, entry: BankEntry) -> PoseBank:
        """A bank with one more style. Raises :class:`SettingsError` where its name is taken or its size differs."""
        if entry.name in {known.name for known in self.entries}:
            raise SettingsError(f"The pose bank already has a style called {entry.name}.", "Choose another name.")
        if self.entries and entry.matrix.rows.shape != self.entries[0].matrix.rows.shape:
            raise ModelError(
                f"The style {entry.name} was made with other speech units than the pose bank.", "Add its clip again."
            )
        return dataclasses.replace(self, entries=(*self.entries, entry))

    def removed(self, name: str) -> PoseBank:
        """A bank without this style. Raises :class:`SettingsError` where there is none."""
        left = tuple(entry for entry in self.entries if entry.name != name)
        if len(left) == len(self.entries):
            raise SettingsError(f"The pose bank has no style called {name}.")
        return dataclasses.replace(self, entries=left)

    def distances(self, matrix: StyleMatrix) -> NDArray[np.float64]:
        """(entries,) count-weighted distance of a reference's matrix to each style."""
        return np.array([matrix_distance(matrix, entry.matrix, self.scale) for entry in self.entries])

    def retrieve(self, matrix: StyleMatrix, k: int = 1) -> Retrieval:
        """The k nearest styles, mixed by the softmax of their distances; ties go to the earlier entry.

        k = 1 is AdaMesh's; the mix is our extension. Raises :class:`ModelError` on an empty bank.
        """
        if not self.entries:
            raise ModelError("The pose bank holds no style.", "Add a clip to it, or choose the bundled bank.")
        distance = self.distances(matrix)
        nearest = np.argsort(distance, kind="stable")[: max(k, 1)]
        share = _shares(distance[nearest])
        chosen = [self.entries[index] for index in nearest]
        return Retrieval(
            tuple(
                Neighbour(entry.name, float(distance[index]), float(part))
                for entry, index, part in zip(chosen, nearest, share, strict=True)
            ),
            _mixed(share, [entry.embedding for entry in chosen]),
            _mixed(share, [entry.statistics for entry in chosen]),
        )

    def named(self, name: str, matrix: StyleMatrix | None = None) -> Retrieval:
        """The style of that name, whatever is nearest to the reference; its distance is infinite without one.

        Raises :class:`SettingsError` where the bank has none of that name.
        """
        entry = next((entry for entry in self.entries if entry.name == name), None)
        if entry is None:
            raise SettingsError(f'The pose bank has no style called "{name}".', "Choose one in the list of the bank.")
        distance = float("inf") if matrix is None else matrix_distance(matrix, entry.matrix, self.scale)
        return Retrieval((Neighbour(name, distance, 1.0),), entry.embedding, entry.statistics)

    def save(self, path: Path) -> None:
        """Write the file whole; matrices in half precision."""
        heads = [{"name": e.name, "person": e.speaker, "provenance": e.provenance} for e in self.entries]
        metadata = {
            "format": FORMAT,
            "entries": json.dumps(heads),
            "prior_hash": self.prior_hash,
            "unit_hash": self.unit_hash,
        }
        arrays: dict[str, NDArray[np.generic]] = {"scale": self.scale.astype(np.float32)}
        if self.entries:
            arrays |= {
                "rows": np.stack([e.matrix.rows for e in self.entries]).astype(np.float16),
                "counts": np.stack([e.matrix.counts for e in self.entries]).astype(np.float32),
                "embedding": np.stack([e.embedding for e in self.entries]).astype(np.float32),
                "statistics": np.stack([e.statistics for e in self.entries]).astype(np.float32),
            }
        with whole_file(path) as partial:
            write_tensors(partial, arrays, metadata, checked=True)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a bank file. Raises :class:`ModelError` naming the file when it is none or damaged."""
        file = read_tensors(path, may_lack=_MAY_LACK)
        if file.metadata.get("format") != FORMAT:
            raise ModelError(f"The file {path} is not a Mimesh pose bank.", "Choose a bank that Mimesh has saved.")
        try:
            return cls(
                entries=_entries(file),
                scale=file.tensors["scale"].astype(np.float32),
                prior_hash=file.metadata["prior_hash"],
                unit_hash=file.metadata["unit_hash"],
            )
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
            raise ModelError(f"The pose bank {path} is damaged ({error}).", "Make it again.") from error


def _entries(file: TensorFile) -> tuple[BankEntry, ...]:
    heads: list[dict[str, Any]] = json.loads(file.metadata["entries"])
    if not heads:
        return ()
    floats = {name: array.astype(np.float32) for name, array in file.tensors.items()}
    for name, array in floats.items():
        require_sane(name, array[~np.isnan(array)] if name in _MAY_LACK else array, _LARGEST)
    return tuple(
        BankEntry(
            name=str(head["name"]),
            speaker=str(head["person"]),
            matrix=StyleMatrix(floats["rows"][index], floats["counts"][index]),
            embedding=floats["embedding"][index],
            statistics=floats["statistics"][index],
            provenance=str(head["provenance"]),
        )
        for index, head in enumerate(heads)
    )


def _shares(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k,) softmax(-d / tau); tau is a tenth of the nearest distance, so that shares do not depend on units."""
    if not np.isfinite(distance).all():
        known = np.isfinite(distance).astype(np.float64)
        return known / known.sum() if known.any() else np.full(len(distance), 1.0 / len(distance))
    weight = np.exp(-(distance - distance[0]) / max(0.1 * distance[0], 1e-6))
    return weight / weight.sum()


def _mixed(share: NDArray[np.float64], parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return (share[:, None] * np.stack(parts)).sum(axis=0).astype(np.float32)
