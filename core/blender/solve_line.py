# SPDX-License-Identifier: GPL-3.0-or-later
"""A delivered motion in the rig's own controls, step by step: the part of a run between the engine and the plan."""

from __future__ import annotations

from collections.abc import Generator

from ..client.steps import StepStatus
from ..direct.kept_motion import KeptMotion, rig_digest
from ..exchange.results import MotionResult
from ..face.basis import open_basis
from ..face.motion import Motion
from ..rig.description import RigDescription
from ..rig.solve import RigMotion, RigSolver, prepare_solver
from ..rig.timing import SceneTiming

# of the whole run, when the fitting begins, when the plain version's turn comes, and when it ends
_BEGINS_AT, _PLAIN_AT, _ENDS_AT = 0.95, 0.97, 0.985
# solved in one go: a tenth of a second, in which Blender's window stands still
PIECE_FRAMES = 400


def solve_steps(
    rig: RigDescription, result: MotionResult, timing: SceneTiming
) -> Generator[StepStatus, None, KeptMotion]:
    """The motion in the rig's own controls, with its plain version for a style strength chosen later."""
    result.motion.require_basis(open_basis().hash)
    solver = prepare_solver(rig, open_basis())
    ends = _ENDS_AT if result.plain is None else _PLAIN_AT
    solved, plain = (yield from in_pieces(solver, result.motion, _BEGINS_AT, ends)), None
    if result.plain is not None:
        plain = yield from in_pieces(solver, result.plain, _PLAIN_AT, _ENDS_AT)
    strength = result.provenance.face.style_strength
    return KeptMotion(result.motion, result.plain, strength, timing, solved, plain, rig_digest(rig)).rounded()


def in_pieces(solver: RigSolver, motion: Motion, begins: float, ends: float) -> Generator[StepStatus, None, RigMotion]:
    """As :meth:`RigSolver.solve` gives it, which knows no neighbouring frames, with a word for each piece."""
    pieces = []
    for start in range(0, max(len(motion), 1), PIECE_FRAMES):
        yield StepStatus("Fitting the rig", begins + (ends - begins) * start / max(len(motion), 1))
        pieces.append(solver.solve(motion.part(start, start + PIECE_FRAMES)))
    return RigMotion.joined(pieces)
