# SPDX-License-Identifier: GPL-3.0-or-later
"""The row of each speech encoder: what it counts, and what it says of encoders that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ModelError
from core.models.speech.mel import MelEncoder
from core.models.speech.phonetic import save_phonetic
from core.models.speech.phonetic_network import PhoneticConfig, PhoneticNetwork
from research.evaluation import encoder_speed
from research.evaluation.encoder_speed import EncoderSpeed, encoders, measure_here, parameter_count


def test_a_networks_values_are_counted_and_mel_has_none(tmp_path: Path) -> None:
    network = PhoneticNetwork(PhoneticConfig(width=16, dilations=(1, 2), bottleneck=8))
    path = tmp_path / "tiny.safetensors"
    save_phonetic(network, path, {})
    row = measure_here("phonetic", str(path))
    assert row.parameters_millions == pytest.approx(sum(p.numel() for p in network.parameters()) / 1e6)
    assert row.real_time_factor == pytest.approx(encoder_speed.SPEECH_SECONDS / row.seconds)
    assert parameter_count(MelEncoder()) == 0


def test_encoders_that_are_not_here_are_named_under_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(name: str) -> EncoderSpeed:
        if name != "mel":
            raise ModelError(f"The model of {name} is missing.")
        return EncoderSpeed(name, 0.0, 160, 0.05, 0.06, 300.0)

    monkeypatch.setattr(encoder_speed, "measure", measure)
    section = encoders(Path())
    assert [row[0] for row in section.tables[0].rows] == ["mel"]
    assert "Not measured: phonetic (The model of phonetic is missing)." in section.tables[0].note
    assert section.data["encoders"][0]["real_time_factor"] == pytest.approx(200)
