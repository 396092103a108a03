# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape keys as the makers of rigs name them, for tests of what is understood of them."""

from __future__ import annotations

ARKIT = [
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
    "tongueOut",
]

# of Character Creator 4's standard profile, as a file exported from it names them
CC4_STANDARD = [
    *(
        "None",
        "EE",
        "Er",
        "IH",
        "Ah",
        "Oh",
        "W_OO",
        "S_Z",
        "Ch_J",
        "F_V",
        "TH",
        "T_L_D_N",
        "B_M_P",
        "K_G_H_NG",
        "AE",
        "R",
    ),
    *(
        f"{name}_{side}"
        for name in ("Brow_Raise_Inner", "Brow_Raise_Outer", "Brow_Drop", "Eye_Blink")
        for side in "LR"
    ),
    *(f"{name}_{side}" for name in ("Eye_Squint", "Eye_Wide") for side in "LR"),
    *(f"Eye_{eye}_Look_{way}" for way in ("L", "R", "Up", "Down") for eye in "LR"),
    *(f"{name}_{side}" for name in ("Nose_Sneer", "Cheek_Raise", "Cheek_Puff", "Mouth_Smile") for side in "LR"),
    *(f"Mouth_{name}_{side}" for name in ("Frown", "Stretch", "Dimple", "Press") for side in "LR"),
    *("Mouth_Pucker", "Mouth_Funnel", "Mouth_Roll_In_Upper", "Mouth_Roll_In_Lower", "Mouth_L", "Mouth_R"),
    *("Mouth_Shrug_Upper", "Mouth_Shrug_Lower", "Mouth_Up_Upper_L", "Mouth_Up_Upper_R", "Mouth_Down_Lower_L"),
    *(
        "Mouth_Down_Lower_R",
        "Mouth_Close",
        "Tongue_Out",
        "Tongue_Up",
        "Tongue_Down",
        "Tongue_Tip_Up",
        "Tongue_Tip_Down",
    ),
    *("Tongue_Narrow", "Tongue_Wide", "Tongue_Roll", "Tongue_L", "Tongue_R", "Tongue_Bulge_L", "Tongue_Bulge_R"),
    *("Jaw_Open", "Jaw_Forward", "Jaw_L", "Jaw_R", "Head_Turn_Up", "Head_Turn_Down", "Head_Turn_L", "Head_Turn_R"),
    *("Head_Tilt_L", "Head_Tilt_R", "Head_L", "Head_R", "Head_Forward", "Head_Backward"),
]

SHAPES = ("Suck", "Funnel", "Pucker")

# what trackers of headsets call the shapes of VRChat's and Meta's avatars
UNIFIED = [
    *("JawOpen", "JawForward", "JawLeft", "JawRight", "MouthClosed", "MouthRaiserUpper", "MouthRaiserLower"),
    *(f"Lip{shape}{lip}{side}" for shape in SHAPES for lip in ("Upper", "Lower") for side in ("Left", "Right")),
    *(
        f"Mouth{name}{side}"
        for name in ("CornerPull", "CornerSlant", "Frown", "Stretch")
        for side in ("Left", "Right")
    ),
    *(f"Mouth{name}{side}" for name in ("UpperUp", "LowerDown", "Tightener", "Press") for side in ("Left", "Right")),
    *(
        f"{name}{side}"
        for name in ("EyeClosed", "BrowLowerer", "BrowPinch", "CheekPuff")
        for side in ("Left", "Right")
    ),
]

SRANIPAL = [
    *("Jaw_Open", "Jaw_Forward", "Jaw_Left", "Jaw_Right", "Mouth_Ape_Shape", "Mouth_Pout", "Cheek_Suck"),
    *(f"Mouth_{lip}_{side}" for lip in ("Upper", "Lower") for side in ("Left", "Right")),
    *(
        "Mouth_Upper_Overturn",
        "Mouth_Lower_Overturn",
        "Mouth_Upper_Inside",
        "Mouth_Lower_Inside",
        "Mouth_Lower_Overlay",
    ),
    *(f"Mouth_{name}_{side}" for name in ("Smile", "Sad") for side in ("Left", "Right")),
    *("Mouth_Upper_UpLeft", "Mouth_Upper_UpRight", "Mouth_Lower_DownLeft", "Mouth_Lower_DownRight"),
    *("Eye_Left_Blink", "Eye_Right_Blink", "Cheek_Puff_Left", "Cheek_Puff_Right"),
]

META = [
    *("jaw_Drop", "jaw_Thrust", "jaw_Sideways_Left", "jaw_Sideways_Right", "lips_Toward", "mouth_Left", "mouth_Right"),
    *(f"lip_{name}_{side}{half}" for name in ("Funneler", "Suck") for side in "LR" for half in "TB"),
    *(f"lip_{name}_{side}" for name in ("Corner_Puller", "Corner_Depressor", "Pucker", "Stretcher") for side in "LR"),
    *(
        f"{name}_{side}"
        for name in ("lower_Lip_Depressor", "upper_Lip_Raiser", "eyes_Closed", "dimpler")
        for side in "LR"
    ),
    *("chin_Raiser_T", "chin_Raiser_B", "brow_Lowerer_L", "brow_Lowerer_R"),
]

CONVENTION_NAMES = {
    "Unified Expressions": UNIFIED,
    "SRanipal": SRANIPAL,
    "Meta face tracking": META,
    "iClone visemes": [*CC4_STANDARD[1:16], "Eye_Blink_L", "Eye_Blink_R"],
    "Character Creator": [
        "Brow_Raise_Inner_L",
        "Brow_Raise_Inner_R",
        "Brow_Drop_L",
        "Brow_Drop_R",
        "Eye_Blink_L",
        "Eye_Blink_R",
        "Cheek_Suck_L",
        "Cheek_Suck_R",
        "Mouth_Smile_L",
        "Mouth_Smile_R",
        "Mouth_Smile_Sharp_L",
        "Mouth_Smile_Sharp_R",
        "Mouth_Roll_In_Upper_L",
        "Mouth_Roll_In_Upper_R",
        "Mouth_Pucker_Up_L",
        "Mouth_Pucker_Up_R",
        "Mouth_L",
        "Mouth_R",
        "Jaw_Open",
        "Jaw_L",
        "Jaw_R",
        "Mouth_Close",
        "V_Open",
        "V_Explosive",
        "V_Dental_Lip",
        "V_Tight_O",
        "V_Affricate",
    ],
    "Oculus visemes": [
        "viseme_PP",
        "viseme_FF",
        "viseme_TH",
        "viseme_DD",
        "viseme_kk",
        "viseme_CH",
        "viseme_SS",
        "viseme_nn",
        "viseme_RR",
        "viseme_aa",
        "viseme_E",
        "viseme_I",
        "viseme_O",
        "viseme_U",
    ],
    "Microsoft visemes": ["aa_02", "aa_ah_ax_01", "f_v_18", "p_b_m_21", "w_uw_07", "sh_ch_jh_zh_16", "k_g_ng_20"],
    "VRM": [
        "Fcl_MTH_Close",
        "Fcl_MTH_A",
        "Fcl_MTH_I",
        "Fcl_MTH_U",
        "Fcl_MTH_E",
        "Fcl_MTH_O",
        "Fcl_EYE_Close_L",
        "Fcl_EYE_Close_R",
    ],
    "MikuMikuDance": ["あ", "い", "う", "え", "お", "ウィンク２", "ウィンク２右"],
    "MetaHuman": [
        "CTRL_expressions_browRaiseInL",
        "CTRL_expressions_browRaiseInR",
        "CTRL_expressions_eyeBlinkL",
        "CTRL_expressions_eyeBlinkR",
        "CTRL_expressions_mouthCornerPullL",
        "CTRL_expressions_mouthCornerPullR",
        "CTRL_expressions_mouthFunnelUL",
        "CTRL_expressions_mouthFunnelUR",
        "CTRL_expressions_mouthFunnelDL",
        "CTRL_expressions_mouthFunnelDR",
        "CTRL_expressions_mouthLipsPurseUL",
        "CTRL_expressions_mouthLipsPurseUR",
        "CTRL_expressions_mouthLipsTogetherUL",
        "CTRL_expressions_mouthUpperLipRaiseL",
        "CTRL_expressions_jawOpen",
    ],
}
