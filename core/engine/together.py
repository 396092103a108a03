# SPDX-License-Identifier: GPL-3.0-or-later
"""Many short lines through the networks together: each gets the motion that it would get alone.

Lines of one voice are encoded, spoken and posed together, those of one length in one pass, so that nothing is padded.
Decoding runs ahead in threads. Memory is bounded by the lines that are handed in at once: ten thousand come in pieces.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MimeshError
from ..exchange.request import MotionRequest
from ..exchange.results import MotionResult
from ..grouping import alike
from .line_sound import load_line
from .long_speech import PIECE_SECONDS
from .pipeline import generate_motion, models_for
from .resting import frame_count
from .spoken_line import MadeWith, chosen_styles, in_character, provenance_of, style_notes

if TYPE_CHECKING:
    from ..audio.speech import Speech
    from ..face.motion import Motion
    from ..style.style import Style
    from .backends.base import Backend, ChosenStyles
    from .backends.head import HeadMotion
    from .cache import ArtifactCache
    from .loaded import LoadedModels

_DECODERS = 2


@dataclass(frozen=True, slots=True)
class LineResult:
    """One of the two: the line's number among those handed in, and what became of it."""

    index: int
    result: MotionResult | None = None
    error: MimeshError | None = None


@dataclass(slots=True)
class TogetherEngine:
    """Keeps saved styles between calls; networks are those of the process. Raises nothing for single lines."""

    cache: ArtifactCache | None = None
    _styles: dict[tuple[Path, int], Style] = field(default_factory=dict)

    def generate(self, requests: Sequence[MotionRequest]) -> Iterator[LineResult]:
        """Results in the order in which they are ready, each line's own error in its place."""
        plain = [i for i, request in enumerate(requests) if request.reference is None and not request.listener]
        for index in sorted(set(range(len(requests))) - set(plain)):
            yield self._alone(index, requests[index])
        decoded: list[tuple[int, Speech]] = []
        with ThreadPoolExecutor(_DECODERS, thread_name_prefix="mimesh-decode") as pool:
            for index, found in zip(plain, pool.map(_decoded, [requests[i] for i in plain]), strict=True):
                if isinstance(found, MimeshError):
                    yield LineResult(index, error=found)
                elif found.seconds > PIECE_SECONDS:
                    yield self._alone(index, requests[index])
                else:
                    decoded.append((index, found))
        for places in alike([_voice(requests[index]) for index, _ in decoded], len(requests)):
            yield from self._pass(requests, [decoded[place] for place in places])

    def _alone(self, index: int, request: MotionRequest) -> LineResult:
        try:
            return LineResult(index, generate_motion(request, cache=self.cache))
        except MimeshError as error:
            return LineResult(index, error=error)

    def _pass(self, requests: Sequence[MotionRequest], lines: list[tuple[int, Speech]]) -> Iterator[LineResult]:
        """Lines of one voice."""
        chosen = [requests[index] for index, _ in lines]
        speeches = [speech for _, speech in lines]
        try:
            results = self._spoken(chosen, speeches)
        except MimeshError as error:
            # what is wrong with the voice is wrong with all of its lines
            yield from (LineResult(index, error=error) for index, _ in lines)
            return
        yield from (LineResult(index, result) for (index, _), result in zip(lines, results, strict=True))

    def _spoken(self, requests: Sequence[MotionRequest], speeches: Sequence[Speech]) -> Iterator[MotionResult]:
        request = requests[0]
        models = models_for(request)
        backend = models.backend(request.face.engine)
        first, second = self._style(request.style), self._style(request.second_style)
        backend.require(second)
        if request.face.style_strength > 0:
            backend.require(first)
        models.context.encode_ahead(speeches)
        styles = chosen_styles(request, first, second)
        heads = _heads(models, requests, speeches, first)
        faces = _faces(backend, speeches, styles)
        return (
            _result(request, speech, face, head, backend, styles)
            for request, speech, face, head in zip(requests, speeches, faces, heads, strict=True)
        )

    def _style(self, path: Path | None) -> Style | None:
        from .style_extraction import load_style

        if path is None:
            return None
        try:
            key = (path, path.stat().st_mtime_ns)
        except OSError:
            # the reader has the sentence for it
            return load_style(path)
        if key not in self._styles:
            style = load_style(path)
            assert style is not None  # there is a path
            self._styles[key] = style
        return self._styles[key]


def _decoded(request: MotionRequest) -> Speech | MimeshError:
    try:
        return load_line(request)
    except MimeshError as error:
        return error


def _voice(request: MotionRequest) -> tuple[Any, ...]:
    """What lines that run together have in common: all but sound and seed."""
    run = dataclasses.replace(request.run, seed=0)
    head = dataclasses.replace(request.head, seed=0)
    return (request.style, request.second_style, request.face, head, request.eyes, run)


def _faces(backend: Backend, speeches: Sequence[Speech], styles: ChosenStyles) -> list[Motion]:
    from .backends.base import TogetherBackend
    from .speaking import speak, speak_together

    if isinstance(backend, TogetherBackend):
        return [spoken.motion for spoken in speak_together(backend, speeches, styles)]
    return [speak(backend, speech, styles).motion for speech in speeches]


def _heads(
    models: LoadedModels, requests: Sequence[MotionRequest], speeches: Sequence[Speech], style: Style | None
) -> list[HeadMotion]:
    from .backends.base import ignore_fraction

    settings = [request.seeded_head for request in requests]
    frames = [frame_count(speech) for speech in speeches]
    return models.head.generate_together(speeches, style, frames, settings, requests[0].head.bank, ignore_fraction)


def _result(
    request: MotionRequest, speech: Speech, face: Motion, head: HeadMotion, backend: Backend, styles: ChosenStyles
) -> MotionResult:
    """As the pipeline's, without the plain version of the line."""
    from ..models.eyes.apply import eyes_for

    first = styles.first
    face, head, eyes = in_character(request, face, head, speech, first)
    motion = eyes_for(face.replace(head=head.head), speech, eyes, request.eyes, request.run.seed)
    origin = provenance_of(request, MadeWith(speech, styles, backend.hash, face.basis_hash, head.prior_hash))
    return MotionResult(
        motion=motion,
        style=first,
        reference_report=None,
        stage_seconds={},
        provenance=origin,
        notes=(*speech.notes, *style_notes(request, backend, first), *head.notes),
        neighbours=head.neighbours,
        codes=head.codes,
    )
