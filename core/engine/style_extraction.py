# SPDX-License-Identifier: GPL-3.0-or-later
"""Styles inside the engine: read from a file, or made from a reference that is tracked once."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..exchange.media_range import MediaRange
from .loaded import MemoisedSynthesiser
from .stages import StageMeter

if TYPE_CHECKING:
    from ..style.style import Style
    from ..tracking.reference import TrackedReference
    from .cache import ArtifactCache


@dataclass(frozen=True, slots=True, eq=False)
class StyleExtractor:
    """Makes what a reference leaves behind, and remembers it where there is a cache.

    adapts: whether AdaMesh's network is trained on the reference, which takes seconds that only AdaMesh needs.
    pose_bank: by whose prior the head's matrix is made; None is the bundled one.
    """

    synthesiser: MemoisedSynthesiser
    meter: StageMeter
    cache: ArtifactCache | None
    device: str = "auto"
    adapts: bool = True
    pose_bank: Path | None = None

    def track(self, source: MediaRange) -> TrackedReference:
        """Track the clip's face and put it in step with its sound."""
        from ..face.basis import open_basis
        from ..face.closures import lip_gap
        from ..tracking.reference import track_reference
        from ..tracking.reference_file import load_reference, save_reference
        from .cache import reference_key

        key = reference_key(source, self.synthesiser.hash) if self.cache else ""
        if self.cache and (hit := self.cache.load(key, load_reference)) is not None:
            return hit
        reference = track_reference(
            source.path,
            source.start_seconds,
            source.end_seconds,
            self.meter.within_stage,
            expected_opening=lambda speech: lip_gap(open_basis(), self.synthesiser.generate(speech)),
        )
        if self.cache:
            self.cache.store(key, lambda path: save_reference(path, reference))
        return reference

    def style(
        self, path: Path | None, source: MediaRange | None, reference: TrackedReference | None = None
    ) -> Style | None:
        """The style in the file or of the clip; None without either.

        Where the clip's style is known from before, ``reference`` is not needed; else it is tracked unless given.
        """
        if path is not None or source is None:
            return load_style(path)
        if (known := self._known(source)) is not None:
            return known
        style = self._made(self.track(source) if reference is None else reference)
        if self.cache:
            self.cache.store(self._key(source, self.adapts), style.save)
        return style

    def _known(self, source: MediaRange) -> Style | None:
        from ..style.style import Style

        if self.cache is None:
            return None
        # one that AdaMesh was trained on holds everything that others do
        for adapted in (True,) if self.adapts else (True, False):
            if (hit := self.cache.load(self._key(source, adapted), Style.load)) is not None:
                return hit
        return None

    def _made(self, reference: TrackedReference) -> Style:
        from ..models.affine.fit import fit_style
        from ..models.eyes.measure import measure_eyes
        from .backends import adamesh as adamesh_backend
        from .backends import mimic as mimic_backend
        from .backends.head import with_pose

        style = mimic_backend.with_mimic(fit_style(self.synthesiser, reference), reference, self.device)
        if self.adapts:
            style = adamesh_backend.with_expression(
                style, reference, self.synthesiser.generator, self.meter.within_stage
            )
        return dataclasses.replace(with_pose(style, reference, self.pose_bank), eyes=measure_eyes(reference))

    def _key(self, source: MediaRange, adapted: bool) -> str:
        from .backends.head import pose_hash
        from .backends.mimic import mimic_hash
        from .cache import style_key

        made_with = (pose_hash(self.pose_bank), mimic_hash(self.device), "adapted" if adapted else "as tracked")
        return style_key(source, self.synthesiser.hash, *made_with)


def load_style(path: Path | None) -> Style | None:
    """The style in the file. Raises :class:`ModelError` where it is none."""
    from ..style.style import Style

    return Style.load(path) if path else None
