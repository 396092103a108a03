# SPDX-License-Identifier: GPL-3.0-or-later
"""A first version of a line, told while an engine still learns the person: to be played until the learnt one comes.

It is spoken in what was read off the reference in one pass; head and eyes are those of the learnt one.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import CancelledError, MimeshError
from ..exchange.results import MotionResult
from .spoken_line import SpokenLine
from .stages import StageMeter

if TYPE_CHECKING:
    from ..style.style import Style
    from ..tracking.reference import TrackedReference

OnFirst = Callable[[MotionResult], None]
STAGE = "first"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class FirstVersion:
    """Makes a line's first version and hands it out.

    meter: of the job; its ``seconds`` get those of the first version, from the end of tracking on.
    """

    line: SpokenLine
    meter: StageMeter
    hand_out: OnFirst

    def of(self, reference: TrackedReference, style: Style) -> None:
        """``style``: what is known of the person by now. An engine that cannot speak in it has no first version.

        Raises :class:`CancelledError`.
        """
        from .backends.base import FirstBackend

        backend, began = self.line.backend, time.perf_counter()
        if not isinstance(backend, FirstBackend):
            return
        try:
            result = self._spoken(backend.first_style(reference, style))
        except CancelledError:
            raise
        except MimeshError as error:
            # the learnt one will tell what is wrong
            _log.info("no first version: %s", error)
            return
        self.meter.seconds[STAGE] = time.perf_counter() - began
        self.hand_out(result)

    def _spoken(self, style: Style) -> MotionResult:
        def still_wanted(fraction: float = 0.0) -> None:
            self.meter.within_stage(0.0)

        still_wanted()
        spoken = self.line.face(style, still_wanted)
        head = self.line.head(style, still_wanted)
        result = self.line.result(style, spoken, head, {})
        return dataclasses.replace(result, provenance=dataclasses.replace(result.provenance, first_version=True))
