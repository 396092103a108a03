# SPDX-License-Identifier: GPL-3.0-or-later
"""Styles inside the engine process: read from a file, or extracted from a reference that is tracked once."""

from __future__ import annotations

import dataclasses
import functools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..engines import DEFAULT_ENGINE, engines, find_engine
from ..errors import MimeshError
from ..exchange.media_range import MediaRange
from .backends.base import Backend, ChosenStyles, ignore_fraction
from .loaded import LoadedModels
from .stages import StageMeter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..audio.speech import Speech
    from ..face.motion import Motion
    from ..style.style import Style
    from ..tracking.reference import TrackedReference
    from .cache import ArtifactCache
    from .first_version import FirstVersion

# its mean speaker is what a reference's sound and face are held against, whichever engine speaks in the end
NEUTRAL_ENGINE = DEFAULT_ENGINE
_log = logging.getLogger(__name__)


class NeutralSpeaker:
    """The mean speaker of :data:`NEUTRAL_ENGINE`, loaded when it is first needed; remembers its last motion.

    A reference's sound is needed for its offset and again for its style.
    """

    def __init__(self, models: LoadedModels) -> None:
        self._models = models
        self._speech: Speech | None = None
        self._motion: Motion | None = None

    @functools.cached_property
    def backend(self) -> Backend:
        """Whose mean speaker it is."""
        return self._models.backend(NEUTRAL_ENGINE)

    @property
    def hash(self) -> str:
        """Of the weights."""
        return self.backend.hash

    def generate(self, speech: Speech) -> Motion:
        """(T, 53) motion at 25 fps; computed once where the same speech is asked for again."""
        if self._motion is None or self._speech is not speech:
            self._speech = speech
            self._motion = self.backend.speak(speech, ChosenStyles(), ignore_fraction)
        return self._motion


@dataclass(frozen=True, slots=True, eq=False)
class StyleExtractor:
    """Makes the style of a reference, and remembers it where there is a cache.

    engine: must learn from the reference, however long it takes; None leaves it to those that learn at once.
    pose_bank: by whose prior the head's matrix is made; None is the bundled one.
    """

    models: LoadedModels
    neutral: NeutralSpeaker
    meter: StageMeter
    cache: ArtifactCache | None
    engine: str | None = None
    pose_bank: Path | None = None

    def track(self, source: MediaRange) -> TrackedReference:
        """Track the clip's face and put it in step with its sound. Raises :class:`MimeshError` for unusable clips."""
        from ..tracking.reference_file import load_reference, save_reference
        from .cache import reference_key

        key = reference_key(source, self.neutral.hash, lambda: self.meter.within_stage(0.0)) if self.cache else ""
        if self.cache and (hit := self.cache.load(key, load_reference)) is not None:
            return hit
        reference = self._tracked(source)
        if self.cache:
            self.cache.store(key, lambda path: save_reference(path, reference))
        return reference

    def _tracked(self, source: MediaRange) -> TrackedReference:
        from ..arkit.read import is_recording
        from ..tracking.reference import track_reference
        from .recorded_reference import recorded_reference

        if is_recording(source.path):
            return recorded_reference(source, self.meter.within_stage, self._expected_opening)
        return track_reference(
            source.path,
            source.start_seconds,
            source.end_seconds,
            self.meter.within_stage,
            expected_opening=self._expected_opening,
            sound_track=source.track,
            person=source.person,
        )

    def _expected_opening(self, speech: Speech) -> NDArray[np.floating]:
        """(T,) cm between the lips of the mean speaker who says this."""
        from ..face.basis import open_basis
        from ..face.closures import lip_gap

        return lip_gap(open_basis(), self.neutral.generate(speech))

    def style(
        self,
        path: Path | None,
        source: MediaRange | None,
        reference: TrackedReference | None = None,
        at_once: FirstVersion | None = None,
    ) -> Style | None:
        """The style in the file or of the clip; None without either.

        Where the clip's style is known from before, ``reference`` is not needed; else it is tracked unless given.
        at_once: is told what is known of the person before something is learnt for seconds.
        """
        if path is not None or source is None:
            return load_style(path)
        if (known := self._known(source)) is not None:
            return known
        style = self._extracted(self.track(source) if reference is None else reference, at_once)
        if self.cache:
            self.cache.store(self._key(source, self._learners()), style.save)
        return style

    def _extracted(self, reference: TrackedReference, at_once: FirstVersion | None) -> Style:
        from ..models.affine.fit import fit_style
        from ..models.eyes.measure import measure_eyes

        style = self.models.head.learn(reference, fit_style(self.neutral, reference), self.pose_bank)
        style = dataclasses.replace(style, eyes=measure_eyes(reference))
        slow = None if self.engine is None or find_engine(self.engine).learns_always else self.engine
        if slow is not None and at_once is not None:
            at_once.of(reference, style)
        for name in self._learners():
            style = self._with_learnt(name, style, reference)
        return style

    def _with_learnt(self, name: str, style: Style, reference: TrackedReference) -> Style:
        """The style with the engine's part; one that nobody asked for may fail."""
        if name == self.engine:
            return self.models.backend(name).learn(reference, style, self.meter.within_stage)
        try:
            return self.models.backend(name).learn(reference, style, ignore_fraction)
        except MimeshError as error:
            _log.info("%s learns nothing from %s: %s", name, style.name, error)
            return style

    def _learners(self) -> tuple[str, ...]:
        """The engines that learn from the reference, the one that was asked for last."""
        at_once = tuple(entry.name for entry in engines() if entry.learns_always and entry.name != self.engine)
        return at_once if self.engine is None else (*at_once, self.engine)

    def _known(self, source: MediaRange) -> Style | None:
        from ..style.style import Style

        if self.cache is None:
            return None
        for learners in self._sufficient():
            if (hit := self.cache.load(self._key(source, learners), Style.load)) is not None:
                return hit
        return None

    def _sufficient(self) -> Iterator[tuple[str, ...]]:
        """Sets of learners that leave what is wanted: first those with one more, then what is wanted itself."""
        wanted = self._learners()
        # no network is loaded only to ask what it may have learnt; the neutral one is needed for every key
        more = (entry.name for entry in engines() if not entry.learns_always and entry.name not in wanted)
        if self.engine is None or find_engine(self.engine).learns_always:
            for name in more:
                if name == NEUTRAL_ENGINE or self.models.is_loaded(name):
                    yield (*wanted, name)
        yield wanted

    def _key(self, source: MediaRange, learners: tuple[str, ...]) -> str:
        from .cache import style_key

        learnt = (f"{name} {self._hash_of(name)}" for name in sorted(learners))
        return style_key(source, self.neutral.hash, self.models.head.hash(self.pose_bank), *learnt)

    def _hash_of(self, engine: str) -> str:
        """Of its weights; empty where there are none."""
        try:
            return self.models.backend(engine).hash
        except MimeshError:
            return ""


def load_style(path: Path | None) -> Style | None:
    """The style in the file. Raises :class:`ModelError` where it is none."""
    from ..style.style import Style

    return Style.load(path) if path else None
