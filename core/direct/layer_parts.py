# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of the face a curve of a line belongs to, so that each part can be a layer of its own."""

from __future__ import annotations

import numpy as np

from ..rig.curves import BONE_PATH, key_path, unquoted
from ..rig.description import RigDescription
from ..rig.solve import RigSolver
from .regions import make_regions


def parts_of_keys(solver: RigSolver) -> dict[str, str]:
    """The part of every shape key of the rig, by its path; of a control that drives one, by the control's path.

    Keys that each move the whole face, as FLAME's do, are of the part ``face``.
    """
    rig = solver.rig
    found = {key_path(key.name): "gaze" for key in rig.gaze_keys}
    if rig.convention.signed:
        found |= {key_path(name): "face" for name in rig.key_names}
    else:
        regions = make_regions(solver)
        count = len(rig.key_names)
        lids = regions.lid_part(np.eye(count))
        shares = {name: np.diag(table) for name, table in (("brows", regions.upper), ("jaw", regions.jaw))}
        for place, name in enumerate(rig.key_names):
            own = {part: float(share[place]) for part, share in shares.items()}
            own |= {"lids": float(lids[place, place]) * 2.0, "lips": 0.5}
            found[key_path(name)] = max(own, key=lambda part: own[part])
    found |= {own: found[path] for own, path in rig.part_spellings.items() if path in found}
    return found | {c.path: found[key_path(key)] for key, c in rig.controls.items() if key_path(key) in found}


def part_of_bone(rig: RigDescription, path: str) -> str | None:
    """The part of a bone's channel; None for one that is no bone of the face."""
    match = BONE_PATH.match(path)
    bone = unquoted(match[1]) if match else None
    if bone is None:
        return None
    if bone == rig.jaw_bone:
        return "jaw"
    if bone in (rig.left_eye_bone, rig.right_eye_bone):
        return "gaze"
    return "head" if bone in (rig.head_bone, rig.neck_bone) else None
