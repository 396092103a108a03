# SPDX-License-Identifier: GPL-3.0-or-later
"""Says in words what of a rig will be driven by what, before anything is run."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .description import RigDescription


def describe_match(rig: RigDescription) -> tuple[str, ...]:
    """One line each: the convention and its keys, bones, parts, what is left out, and what would hide the result."""
    gaze = [key.name for key in rig.gaze_keys]
    lines = [f"{rig.convention.label}: {len(rig.key_names)} keys ({_shortened(rig.key_names)})."]
    renamed = [f"{n} = {m}" for n, m in zip(rig.key_names, rig.key_meanings, strict=False) if n != m]
    if renamed and not rig.convention.signed:
        lines.append(f"Read as: {_shortened(renamed, 60)}.")
    bones = [f"{role} by {name}" for role, name in _bones(rig)]
    if bones:
        lines.append(f"Bones: {', '.join(bones)}.")
    if rig.controls:
        driven = [
            f"{name} by {_plain(control.path)}" + (f" of {control.owner}" if control.owner else "")
            for name, control in rig.controls.items()
        ]
        lines.append(f"Keyed by their controls: {_shortened(driven)}.")
    if gaze and rig.left_eye_bone is None:
        lines.append(f"Gaze: {len(gaze)} keys ({_shortened(gaze)}).")
    if rig.parts:
        lines.append(f"Keyed along: {', '.join(part.object_name for part in rig.parts)}.")
    if rig.followers:
        lines.append(f"Moves with the bones: {', '.join(rig.followers)}.")
    if rig.left_out:
        lines.append(f"Left out: {_shortened(rig.left_out, 12)}.")
    if rig.armature_name is not None and rig.head_bone is None:
        lines.append(f'No head bone is known on "{rig.armature_name}": name it, or the head stays still.')
    return (*lines, *rig.warnings)


def _plain(path: str) -> str:
    """``pose.bones["jaw_ctrl"].location`` as jaw_ctrl's location."""
    names = re.findall(r'\["((?:[^"\\]|\\.)+)"\]', path)
    field = path.rpartition("]")[2].lstrip(".")
    return ", ".join((*names, field) if field else names)


def _bones(rig: RigDescription) -> list[tuple[str, str]]:
    roles = [
        ("jaw" if rig.turns_jaw() else "", rig.jaw_bone),
        ("head", rig.head_bone),
        ("neck" if rig.neck_carries_head() else "", rig.neck_bone),
        ("left eye", rig.left_eye_bone),
        ("right eye", rig.right_eye_bone),
    ]
    return [(role, name) for role, name in roles if role and name is not None]


def _shortened(names: Sequence[str], limit: int = 6) -> str:
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown}, ..."
