# SPDX-License-Identifier: GPL-3.0-or-later
"""Oculus' (Meta's) fifteen visemes: ``viseme_aa``, VRChat's ``vrc.v_aa``, MPFB2's pack. Nothing but mouths.

The keys are solved for on the mesh like any others, so each takes the share that its own shape allows.
"""

from __future__ import annotations

from .controls import NamedControls

LIMITS = (
    "This rig has {keys} mouth shapes and no others: speech shows, but brows, cheeks, smiles to one side and the "
    "fine shapes between two visemes do not."
)
_VISEMES = ("PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U")
_VOWELS = {"ih": "I", "oh": "O", "ou": "U", "ee": "E"}
_PREFIXES = ("viseme", "vrc_v", "v", "vis", "viseme_v")

CONVENTION = NamedControls(
    label="Oculus visemes",
    controls={
        f"{prefix}_{name}": f"viseme_{_VOWELS.get(name, name)}"
        for prefix in _PREFIXES
        for name in (*_VISEMES, *_VOWELS)
    },
    sided=dict.fromkeys(("eyeBlink", "blink", "vrc_blink", "eyesClosed"), "eyeBlink"),
    unused=("viseme_sil", "vrc_v_sil", "v_sil"),
    markers=("viseme_PP", "viseme_FF", "viseme_aa", "viseme_O", "viseme_U", "viseme_E", "viseme_CH"),
    needed=3,
    limits=LIMITS,
)
