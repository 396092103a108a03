# SPDX-License-Identifier: GPL-3.0-or-later
"""Daz Genesis 3 and 8 by their morphs, ``eCTRLvAA``, ``eCTRLMouthOpen``; 8.1 and 9 speak ARKit's words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .base import KeyMatch
from .controls import NamedControls
from .visemes import LIMITS

_BEFORE = re.compile(r"^(e?CTRL|PHM|p?JCM|e?JCM)(?=[A-Zv])")
_VISEMES = ("AA", "EE", "EH", "ER", "F", "IH", "IY", "K", "L", "M", "OW", "S", "T", "TH", "UW", "W")


@dataclass(frozen=True)
class _Daz(NamedControls):
    def match(self, names: Sequence[str], object_name: str) -> KeyMatch | None:
        """Words begin behind ``eCTRL`` without a mark between them."""
        spelled = {_BEFORE.sub("ctrl_", name).replace("ctrl_v", "ctrl_v_"): name for name in names}
        found = super().match(list(spelled), object_name)
        if found is None:
            return None
        left_out = tuple(spelled[name] for name in found.left_out)
        return replace(found, names=tuple(spelled[name] for name in found.names), left_out=left_out)


CONVENTION = _Daz(
    label="Daz",
    controls={
        **{f"ctrl_v_{name}": f"viseme {name}" for name in _VISEMES},
        **{f"ctrl_{name}": name for name in ("MouthOpen", "MouthOpenWide", "LipsPucker", "MouthNarrow", "LipsPart")},
    },
    sided={"ctrl_EyesClosed": "eyeBlink", "ctrl_MouthSmileSimple": "mouthSmile", "ctrl_MouthFrown": "mouthFrown"},
    markers=("viseme M", "viseme F", "viseme OW", "viseme UW", "viseme AA", "viseme W"),
    needed=3,
    limits=LIMITS,
)
