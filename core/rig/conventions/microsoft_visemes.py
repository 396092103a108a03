# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft's 22 visemes as MPFB2's pack names them: ``aa_ah_ax_01``, ``p_b_m_21``."""

from __future__ import annotations

from .controls import NamedControls
from .visemes import LIMITS

_VISEMES = (
    *("aa_02", "aa_ah_ax_01", "ao_03", "aw_09", "ay_11", "d_t_n_19", "er_05", "ey_eh_uh_04", "f_v_18", "h_12"),
    *("k_g_ng_20", "l_14", "ow_08", "oy_10", "p_b_m_21", "r_13", "sh_ch_jh_zh_16", "s_z_15", "th_dh_17", "w_uw_07"),
    "y_iy_ih_ix_06",
)

CONVENTION = NamedControls(
    label="Microsoft visemes",
    controls={name: name for name in _VISEMES},
    unused=("sil_00",),
    markers=("p_b_m_21", "f_v_18", "aa_ah_ax_01", "w_uw_07", "sh_ch_jh_zh_16"),
    needed=3,
    limits=LIMITS,
)
