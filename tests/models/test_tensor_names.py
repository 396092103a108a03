# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights that were saved under earlier tensor names go on loading."""

from __future__ import annotations

import numpy as np
import pytest

from core.models.adamesh.network import ExpressionNetwork, NetworkConfig
from core.models.mimic.config import MimicConfig
from core.models.nn.tensor_names import RENAMED, current_name, state_of


def test_every_earlier_name_leads_to_a_tensor_of_a_present_network(mimic_names: frozenset[str]) -> None:
    adamesh = ExpressionNetwork(NetworkConfig(feature_size=8, width=16, heads=2, hidden=16)).state_dict().keys()
    present = {*adamesh, *mimic_names}
    for old, new in RENAMED.items():
        assert not any(name.startswith(old) for name in present)
        assert any(name.startswith(new) for name in present)


def test_values_and_types_are_those_of_the_file() -> None:
    half = np.arange(3, dtype=np.float16)
    state = state_of({"usual_mean": half, "style_encoder.vote.bias": half + 1, "decoder.out.bias": half})
    assert set(state) == {"population_mean", "style_encoder.pooling.bias", "decoder.out.bias"}
    np.testing.assert_array_equal(state["population_mean"].numpy(), half)
    assert state["population_mean"].numpy().dtype == np.float16
    assert current_name("style_encoder.voter") == "style_encoder.voter"


@pytest.fixture
def mimic_names() -> frozenset[str]:
    from core.face.basis import open_basis
    from core.models.mimic.network import MimicNetwork
    from core.models.mimic.space import landmark_space

    return frozenset(MimicNetwork(MimicConfig(), landmark_space(open_basis())).state_dict())
