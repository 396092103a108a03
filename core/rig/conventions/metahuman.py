# SPDX-License-Identifier: GPL-3.0-or-later
"""MetaHuman-like keys: ``CTRL_expressions_mouthCornerPullL``, ``mouthFunnelUL`` (upper left), ``jawOpen``.

Epic's own face is moved by joints; this is for meshes whose expressions were baked to shape keys under these names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .base import BoneNames, KeyMatch
from .controls import NamedControls

_QUARTER = re.compile(r"([UD])([LR])(?=$|\.\d{3}$)")
_SIDED = {
    "browDown": "browDown",
    "browLateral": "browLateral",
    "browRaiseIn": "browInnerUp",
    "browRaiseOuter": "browOuterUp",
    "eyeBlink": "eyeBlink",
    "eyeWiden": "eyeWide",
    "eyeSquintInner": "eyeSquint",
    "eyeCheekRaise": "cheekSquint",
    "noseWrinkle": "noseSneer",
    "mouthCornerPull": "mouthSmile",
    "mouthSharpCornerPull": "mouthSharpCornerPull",
    "mouthCornerDepress": "mouthFrown",
    "mouthDimple": "mouthDimple",
    "mouthStretch": "mouthStretch",
    "mouthUpperLipRaise": "mouthUpperUp",
    "mouthLowerLipDepress": "mouthLowerDown",
    "mouthCheekSuck": "cheekSuck",
    "mouthCheekBlow": "cheekPuff",
    "mouthCornerUp": "mouthCornerUp",
    "mouthCornerDown": "mouthCornerDown",
    "mouthLipsPress": "mouthPress",
    "jawChinRaiseU": "mouthShrugUpper",
    "jawChinRaiseD": "mouthShrugLower",
    **{
        f"{name}_{half}": f"{name}{half}"
        for half in ("U", "D")
        for name in (
            *("mouthFunnel", "mouthLipsPurse", "mouthLipsTowards", "mouthLipsTogether", "mouthLipsPush"),
            *("mouthLipsPull", "mouthLipsThick", "mouthLipsThin", "mouthLipsRoll", "mouthLipBite"),
            *("mouthLipsTighten", "mouthPress"),
        )
    },
}


@dataclass(frozen=True)
class _MetaHuman(NamedControls):
    def match(self, names: Sequence[str], object_name: str) -> KeyMatch | None:
        """Upper and lower halves stand before the side in one word: ``UL`` is upper left."""
        spelled = {_QUARTER.sub(r"_\1_\2", name): name for name in names}
        found = super().match(list(spelled), object_name)
        if found is None:
            return None
        gaze = tuple(replace(key, name=spelled[key.name]) for key in found.gaze)
        left_out = tuple(spelled[name] for name in found.left_out)
        return replace(found, names=tuple(spelled[name] for name in found.names), left_out=left_out, gaze=gaze)


CONVENTION = _MetaHuman(
    label="MetaHuman",
    bones=BoneNames(
        jaw=("facial_c_jaw",),
        neck=("neck_02", "neck_01"),
        left_eye=("facial_l_eye",),
        right_eye=("facial_r_eye",),
    ),
    controls={"jawOpen": "jawOpen", "jawFwd": "jawForward", "jawBack": "jawBack", "jawOpenExtreme": "jawOpenExtreme"},
    sided=_SIDED,
    sided_only={"mouth": "mouth", "jaw": "jaw"},
    gaze={"eyeLookUp": "eyeLookUp", "eyeLookDown": "eyeLookDown"},
    unused=("tongue",),
    markers=(
        "mouthSmileLeft",
        "mouthFunnelULeft",
        "mouthLipsPurseULeft",
        "mouthLipsTogetherULeft",
        "mouthUpperUpLeft",
    ),
    needed=3,
)
