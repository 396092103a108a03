# SPDX-License-Identifier: GPL-3.0-or-later
"""The face inside the engine: a style learned from a reference, and speech in that style."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ...face.motion import MOTION_SIZE, Motion
from ...style.parts import ExpressionPart
from ...style.style import Style

if TYPE_CHECKING:
    from ...audio.speech import Speech
    from ...models.adamesh.generate import ExpressionGenerator
    from ...tracking.reference import TrackedReference


def with_expression(
    style: Style, reference: TrackedReference, generator: ExpressionGenerator, progress: Callable[[float], None]
) -> Style:
    """The style with the low-rank update and the embedding learned from the reference.

    They take the place of gain and offset. What ``progress`` raises leaves the base network as it was.
    """
    from ...models.adamesh.adaptation import adapt
    from ...models.adamesh.identity import identity_vector

    adapter = adapt(generator, reference, progress=progress)
    part = ExpressionPart(
        adapter=adapter.arrays,
        ranks=adapter.ranks,
        scale=adapter.scale,
        base_hash=adapter.base_hash,
        style_embedding=adapter.style_embedding,
        gain=adapter.residual.gain,
        offset=adapter.residual.offset,
        identity=identity_vector(reference.neutral, generator.basis),
    )
    # the fit's own warning is about gain and offset
    known = reference.report.warnings
    warnings = (*known, *(line for line in adapter.report.warnings if reference.speech is not None or not known))
    return dataclasses.replace(
        style,
        gain=np.ones(MOTION_SIZE, np.float32),
        offset=np.zeros(MOTION_SIZE, np.float32),
        expression=part,
        provenance=dataclasses.replace(style.provenance, warnings=warnings),
    )


def speak(
    generator: ExpressionGenerator,
    speech: Speech,
    style: Style | None,
    strength: float,
    progress: Callable[[float], None],
) -> Motion:
    """Motion for the speech in the style's expression part; the plain base where it has none that fits.

    Strength 0 is exactly the base.
    """
    part = style.expression if style else None
    if part is None or part.base_hash != generator.hash or strength == 0:
        return generator.generate(speech, progress)
    from ...models.adamesh.residual_correction import ResidualCorrection
    from ...models.adamesh.styled_network import styled

    features, residual = generator.features(speech), ResidualCorrection(part.gain, part.offset)
    with styled(generator.network, part.adapter, part.scale, part.style_embedding, strength, residual) as network:
        return generator.synthesise(network, features, progress)
