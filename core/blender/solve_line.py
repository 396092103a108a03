# SPDX-License-Identifier: GPL-3.0-or-later
"""A delivered motion in the rig's own controls, step by step: the part of a run between the engine and the plan."""

from __future__ import annotations

from collections.abc import Generator

from ..client.steps import StepStatus
from ..direct.kept_motion import KeptMotion, rig_digest
from ..exchange.results import MotionResult
from ..face.basis import open_basis
from ..rig.description import RigDescription
from ..rig.solve import prepare_solver
from ..rig.timing import SceneTiming

# of the whole run, when the plain version's turn comes
_PLAIN_AT = 0.97


def solve_steps(
    rig: RigDescription, result: MotionResult, timing: SceneTiming
) -> Generator[StepStatus, None, KeptMotion]:
    """The motion in the rig's own controls, with its plain version for a style strength chosen later."""
    result.motion.require_basis(open_basis().hash)
    solver = prepare_solver(rig, open_basis())
    solved, plain = solver.solve(result.motion), None
    if result.plain is not None:
        yield StepStatus("Fitting the rig", _PLAIN_AT)
        plain = solver.solve(result.plain)
    strength = result.provenance.face.style_strength
    return KeptMotion(result.motion, result.plain, strength, timing, solved, plain, rig_digest(rig)).rounded()
