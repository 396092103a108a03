# SPDX-License-Identifier: GPL-3.0-or-later
"""What already animates a rig, and what may happen to it: ours is replaced, an artist's work never silently."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import RigError
from .description import RigDescription


@dataclass(frozen=True, slots=True)
class ExistingAction:
    """An action in place. ours: made by Mimesh and not edited since. edited: made by us, then changed by hand."""

    name: str
    ours: bool
    edited: bool = False
    paths: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ExistingDatablock:
    """Animation of one datablock. driven: paths with drivers. solo: a soloed NLA track mutes all else."""

    action: ExistingAction | None = None
    driven: frozenset[str] = frozenset()
    tweaking: bool = False
    solo: str = ""


@dataclass(frozen=True, slots=True)
class ExistingAnimation:
    """Animation of the shape keys and of the armature object."""

    key: ExistingDatablock = ExistingDatablock()
    armature: ExistingDatablock = ExistingDatablock()


@dataclass(frozen=True, slots=True)
class ExistingDecision:
    """Names of actions that will be replaced (ours) or pushed down (not ours), and what to tell the artist."""

    replaces: tuple[str, ...]
    pushes_down: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CurvePoints:
    """One F-curve's identity and (n, 2) frame, value pairs."""

    path: str
    index: int
    points: NDArray[np.float32]


def fingerprint(curves: Iterable[CurvePoints]) -> str:
    """A checksum of curves, kept with the action: tells whether the artist has moved a key since."""
    total = 0
    for curve in sorted(curves, key=lambda curve: (curve.path, curve.index)):
        total = zlib.crc32(f"{curve.path}[{curve.index}]".encode(), total)
        total = zlib.crc32(np.ascontiguousarray(curve.points, "<f4").tobytes(), total)
    return f"{total:08x}"


def check_existing(
    rig: RigDescription, existing: ExistingAnimation, touched: frozenset[str], on_existing: str
) -> ExistingDecision:
    """Refuse or decide. ``touched`` are the paths that will be keyed. Raises :class:`RigError`."""
    replaces: list[str] = []
    pushes: list[str] = []
    warnings: list[str] = []
    places = [(f'shape keys of "{rig.object_name}"', existing.key)]
    if any(path.startswith("pose.") for path in touched):
        places.append((f'armature "{rig.armature_name}"', existing.armature))
    for place, block in places:
        _refuse_locked(place, block, touched)
        if block.solo:
            warnings.append(f'The NLA track "{block.solo}" on the {place} is soloed and will hide the result.')
        action = block.action
        if action is None:
            continue
        if action.ours:
            replaces.append(action.name)
        elif on_existing == "push_down":
            pushes.append(action.name)
            warnings.extend(_hidden_channels(place, action, touched))
        else:
            raise _overwrite_refused(place, action)
    return ExistingDecision(tuple(replaces), tuple(pushes), tuple(warnings))


def _refuse_locked(place: str, block: ExistingDatablock, touched: frozenset[str]) -> None:
    driven = sorted(block.driven & touched)
    if driven:
        raise RigError(
            f"Drivers control {len(driven)} of the channels to be keyed on the {place} (first: {driven[0]}).",
            "Remove those drivers, or choose a mesh without them: keys under a driver have no effect.",
        )
    if block.tweaking:
        raise RigError(
            f"The {place} is being tweaked in the NLA editor, so its action cannot change.",
            "Leave tweak mode (Tab in the NLA editor) and try again.",
        )


def _overwrite_refused(place: str, action: ExistingAction) -> RigError:
    if action.edited:
        return RigError(
            f'The {place} is animated by "{action.name}", which was edited after Mimesh made it.',
            'Choose "Push Down" to keep it on an NLA track, or unlink the action.',
        )
    return RigError(
        f'The {place} is animated by the action "{action.name}", which Mimesh did not make.',
        'Choose "Push Down" to keep it on an NLA track below the new one, or unlink the action.',
    )


def _hidden_channels(place: str, action: ExistingAction, touched: frozenset[str]) -> list[str]:
    shared = len(action.paths & touched)
    if not shared:
        return []
    return [
        f'{shared} channels of the action "{action.name}" on the {place} lie under the new ones; '
        "it is kept on an NLA track."
    ]
