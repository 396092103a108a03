# SPDX-License-Identifier: GPL-3.0-or-later
"""``RigConvention``: everything that one family of face rigs does in its own way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...face.rotations import FloatArray
from ..bounded import solve_bounded

# beyond three standard deviations a component no longer means what it was learnt from
_USUAL_COMPONENT = 3.0
# a signed key's slider is at least this wide afterwards, so that the artist can push further by hand
_SIGNED_SLIDER_ROOM = 3.0
# what moves the same skin to opposite sides, in ARKit's words; the second ones once for each side of the face
_OPPOSED = (("mouthLeft", "mouthRight"), ("jawLeft", "jawRight"), ("jawForward", "jawBackward"))
_OPPOSED_SIDED = (("mouthSmile", "mouthFrown"), ("browOuterUp", "browDown"), ("eyeWide", "eyeSquint"))


@dataclass(frozen=True, slots=True)
class GazeKey:
    """A key that shows where an eye looks, as ARKit's ``eyeLookUpLeft``.

    eye: 0 the person's left, 1 right. axis: 0 pitch (down positive), 1 yaw (to the person's left positive). sign: of
    the angle that the key shows.
    """

    name: str
    eye: int
    axis: int
    sign: float


@dataclass(frozen=True, slots=True)
class BoneNames:
    """Names of a convention's bones in lower case with underscores, the likeliest first.

    Prefixes such as ``DEF-`` or ``mixamorig:`` and a copy's ``.001`` are taken off before names are compared.
    """

    jaw: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    neck: tuple[str, ...] = ()
    left_eye: tuple[str, ...] = ()
    right_eye: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyMatch:
    """Which shape keys of a mesh carry the face, in the order of the solve.

    names: as the artist spells them; meanings: what each stands for in the convention's own (or ARKit's) words.
    left_out: keys that the convention knows and that motion cannot drive (a tongue), or that say a thing twice.
    gaze: keys of the eyes' direction. found: how many expression keys the mesh has; first_index: of a numbered series.
    """

    convention: RigConvention
    names: tuple[str, ...]
    meanings: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    gaze: tuple[GazeKey, ...] = ()
    found: int = 0
    first_index: int = 0

    @property
    def signed(self) -> bool:
        """Whether values of either sign are allowed."""
        return self.convention.signed


@dataclass(frozen=True)
class RigConvention(ABC):
    """A convention of face rigs; a file in this folder holds one in its ``CONVENTION``.

    label: for the user. signed: keys are components of any sign; otherwise controls from 0 to 1.
    opens_with_bone: the jaw bone opens the mouth even where keys could. first: asked before those that are told by
    counting names. bones: what its bones are called.
    """

    label: str
    signed: bool = False
    opens_with_bone: bool = False
    first: bool = False
    bones: BoneNames = field(default_factory=BoneNames)

    @abstractmethod
    def match(self, names: Sequence[str], object_name: str) -> KeyMatch | None:
        """The keys of this convention among ``names``; None where these are not its names.

        Raises :class:`RigError` for keys that are its own but damaged.
        """

    def solve(self, gram: FloatArray, correlations: FloatArray) -> FloatArray:
        """(T, K) keys of least squares within the convention's bounds; gram: (K, K), correlations: (T, K)."""
        if not self.signed:
            return solve_bounded(gram, correlations)
        solved: FloatArray = np.linalg.solve(gram, correlations.T).T
        beyond = (np.abs(solved) > _USUAL_COMPONENT).any(axis=1)
        if beyond.any():
            solved[beyond] = solve_bounded(gram, correlations[beyond], -_USUAL_COMPONENT, _USUAL_COMPONENT)
        return solved

    def solve_apart(
        self, gram: FloatArray, correlations: FloatArray, values: FloatArray, meanings: Sequence[str]
    ) -> FloatArray:
        """The solution again, given (T, K) ``values`` near it, without keys that pull one piece of skin to two sides.

        Of such a pair the weaker one stays at rest: least squares gives a little of both where that fits a hair
        better, which leaves an animator two sliders to fight with.
        """
        pairs = opposed_keys(meanings)
        if self.signed or not pairs:
            return self.solve(gram, correlations)
        high = np.ones_like(values)
        for first, second in pairs:
            less = values[:, first] < values[:, second]
            high[less, first] = 0.0
            high[~less, second] = 0.0
        return solve_bounded(gram, correlations, 0.0, high)

    def turns_jaw(self, keys_open_mouth: bool) -> bool:
        """Whether the jaw bone is keyed, where the rig has one that moves the mesh.

        keys_open_mouth: whether a shape key lowers the chin: a bone besides would open twice.
        """
        return self.opens_with_bone or not keys_open_mouth

    @property
    def slider_room(self) -> float:
        """How wide the sliders of the keys are made at least, to either side."""
        return _SIGNED_SLIDER_ROOM if self.signed else 0.0

    def blink_sides(self, meanings: Sequence[str]) -> NDArray[np.float64] | None:
        """(2, K) which keys shut the left and the right eye, rows of shares.

        None where the lids are to be found on the mesh. No key at all leaves rows of zeros.
        """
        return None if self.signed else blink_shares(meanings)

    def shortcomings(self, match: KeyMatch) -> str:
        """One sentence on what such a rig cannot show; empty when it lacks nothing of note."""
        return ""


@dataclass(frozen=True)
class BonesOnly(RigConvention):
    """A convention of bones: whatever keys the mesh has are another convention's."""

    def match(self, names: Sequence[str], object_name: str) -> KeyMatch | None:
        """Never."""
        return None


def opposed_keys(meanings: Sequence[str]) -> list[tuple[int, int]]:
    """Places of the keys that pull one piece of skin to opposite sides."""
    place = {meaning: index for index, meaning in enumerate(meanings)}
    sided = [(first + side, second + side) for side in ("Left", "Right", "") for first, second in _OPPOSED_SIDED]
    return [(place[one], place[other]) for one, other in (*_OPPOSED, *sided) if one in place and other in place]


def blink_shares(meanings: Sequence[str]) -> NDArray[np.float64]:
    """(2, K) ones at ``eyeBlinkLeft`` and ``eyeBlinkRight``; a key for both eyes follows their mean."""
    shares = {"eyeBlinkLeft": (1.0, 0.0), "eyeBlinkRight": (0.0, 1.0), "eyeBlink": (0.5, 0.5)}
    return np.array([shares.get(meaning, (0.0, 0.0)) for meaning in meanings], np.float64).reshape(-1, 2).T
