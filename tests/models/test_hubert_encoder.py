# SPDX-License-Identifier: GPL-3.0-or-later
"""Local HuBERT, wav2vec 2.0 and WavLM folders as encoders: small random models saved to disk and loaded again."""

from __future__ import annotations

import json
import shutil
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.audio.speech import SAMPLE_RATE, Speech
from core.errors import EngineSetupError, ModelError, SettingsError
from core.models.speech import hubert
from core.models.speech.hubert import HubertEncoder

transformers = pytest.importorskip("transformers")

KINDS = {
    "hubert": ("HubertConfig", "HubertModel"),
    "wav2vec2": ("Wav2Vec2Config", "Wav2Vec2Model"),
    "wavlm": ("WavLMConfig", "WavLMModel"),
}
TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


def _save(folder: Path, kind: str = "hubert", normalise: bool = True, **changes: object) -> Path:
    torch.manual_seed(0)
    config = getattr(transformers, KINDS[kind][0])(**{**TINY, **changes})
    getattr(transformers, KINDS[kind][1])(config).save_pretrained(folder)
    preprocessor = {"do_normalize": normalise, "sampling_rate": SAMPLE_RATE}
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _save(tmp_path_factory.mktemp("hubert"))


def _noise(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    return (np.random.default_rng(seed).normal(size=round(seconds * SAMPLE_RATE)) * 0.1).astype(np.float32)


def _encode(encoder: HubertEncoder, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return encoder.encode(Speech(samples, "test"))


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("stable", [False, True])
@pytest.mark.parametrize("layer", [1, 2])
def test_features_are_the_chosen_layers_output(kind: str, stable: bool, layer: int, tmp_path: Path) -> None:
    _save(tmp_path, kind, do_stable_layer_norm=stable, feat_extract_norm="layer" if stable else "group")
    encoder = HubertEncoder.load(tmp_path, layer, "cpu")
    samples = _noise(1.0)
    found = _encode(encoder, samples)
    normal = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
    # frame 0 sees samples -200 .. 200, frame 49 the last ones that it needs
    padded = torch.from_numpy(np.pad(normal, (200, 0))[: 49 * 320 + 400])[None]
    whole = getattr(transformers, KINDS[kind][1]).from_pretrained(tmp_path).eval()
    with torch.inference_mode():
        if layer == 2:
            wanted = whole(padded).last_hidden_state
        else:
            wanted = whole(padded, output_hidden_states=True).hidden_states[layer]
    assert found.shape == (50, 32)
    np.testing.assert_allclose(found, wanted[0].numpy(), atol=1e-4)


@pytest.mark.parametrize("length", [0, 1, 319, 320, 321, 12_345])
def test_length_is_seconds_times_fifty_rounded_up(folder: Path, length: int) -> None:
    features = _encode(HubertEncoder.load(folder, device="cpu"), _noise(2)[:length])
    assert features.shape == (-(-length // 320), 32)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


def test_frame_i_describes_the_sound_around_i_fiftieths(folder: Path) -> None:
    encoder = HubertEncoder.load(folder, device="cpu")
    # the convolutional front end alone: attention lets every frame know of every other
    seen: list[torch.Tensor] = []
    encoder.network.feature_extractor.register_forward_hook(lambda module, given, output: seen.append(output))
    quiet = _noise(1.0) * 0.01
    click = quiet.copy()
    click[20 * 320] = 0.5
    _encode(encoder, quiet)
    _encode(encoder, click)
    change = (seen[1] - seen[0]).norm(dim=1)[0].numpy()
    # the group norm shifts all frames a little; the click itself reaches only those that contain it
    reached = np.flatnonzero(change > 5 * np.median(change))
    assert reached.tolist() == [20]


def test_encoding_twice_gives_the_same(folder: Path) -> None:
    encoder, again = HubertEncoder.load(folder, device="cpu"), HubertEncoder.load(folder, device="cpu")
    samples = _noise(1.0)
    np.testing.assert_array_equal(_encode(encoder, samples), _encode(again, samples))
    assert encoder.hash == again.hash
    assert (encoder.name, encoder.dimension) == ("hubert-32-layer2", 32)


def test_gain_matters_only_where_the_preprocessor_does_not_normalise(tmp_path: Path) -> None:
    samples = _noise(1.0)
    normal = HubertEncoder.load(_save(tmp_path / "a", feat_extract_norm="layer", conv_bias=True), device="cpu")
    raw = HubertEncoder.load(_save(tmp_path / "b", normalise=False, feat_extract_norm="layer", conv_bias=True))
    np.testing.assert_allclose(_encode(normal, samples * 0.1), _encode(normal, samples), atol=1e-3)
    assert np.abs(_encode(raw, samples * 0.001) - _encode(raw, samples)).max() > 1e-3
    assert normal.hash != raw.hash


def test_hash_follows_weights_and_layer_but_not_the_folders_name(folder: Path, tmp_path: Path) -> None:
    hashes = {HubertEncoder.load(folder, layer, "cpu").hash for layer in (1, 2, None)}
    assert len(hashes) == 2
    moved = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    assert HubertEncoder.load(moved, device="cpu").hash in hashes
    weights = moved / "model.safetensors"
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    weights.write_bytes(changed)
    assert HubertEncoder.load(moved, device="cpu").hash not in hashes


def test_windows_leave_no_seam(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = HubertEncoder.load(folder, device="cpu")
    samples = _noise(9.0)
    whole = _encode(encoder, samples)
    monkeypatch.setattr(hubert, "WINDOW_FRAMES", 100)
    monkeypatch.setattr(hubert, "FADE_FRAMES", 20)
    pieces = _encode(encoder, samples)
    assert pieces.shape == whole.shape
    assert np.corrcoef(pieces.ravel(), whole.ravel())[0, 1] > 0.99
    step = np.linalg.norm(np.diff(pieces, axis=0), axis=1)
    starts = [80, 160, 240, 320, 350]
    seams = np.concatenate([np.arange(start, start + 20) for start in starts])
    assert step[seams].max() < 1.5 * np.delete(step, seams).max()


@pytest.mark.parametrize("count", [1, 999, 1000, 1001, 1050, 1900, 1999, 5017])
def test_window_weights_sum_to_one(count: int) -> None:
    total = np.zeros(count)
    windows = list(hubert._windows(count))
    for window in windows:
        total[window.start : window.stop] += window.weight
    np.testing.assert_allclose(total, 1.0, atol=1e-6)
    assert {len(window.weight) for window in windows} == {min(count, hubert.WINDOW_FRAMES)}


def test_memory_does_not_grow_with_length(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubert, "WINDOW_FRAMES", 100)
    monkeypatch.setattr(hubert, "FADE_FRAMES", 20)
    encoder = HubertEncoder.load(folder, device="cpu")
    longest: list[int] = []
    encoder.network.register_forward_pre_hook(lambda module, given: longest.append(given[0].shape[1]))
    samples = _noise(20.0)
    tracemalloc.start()
    features = _encode(encoder, samples)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert max(longest) == 99 * 320 + 400
    # the features, the squared samples behind their variance, and little else
    assert peak < features.nbytes + samples.nbytes + 2e6


def test_a_checkpoint_with_a_task_head_loads(tmp_path: Path) -> None:
    torch.manual_seed(0)
    transformers.HubertForCTC(transformers.HubertConfig(**TINY, vocab_size=8)).save_pretrained(tmp_path)
    assert _encode(HubertEncoder.load(tmp_path, device="cpu"), _noise(0.5)).shape == (25, 32)


def _broken(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "model"))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere does not exist"):
        HubertEncoder.load(tmp_path / "nowhere")


def test_a_folder_without_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no config\.json"):
        HubertEncoder.load(tmp_path)


def test_another_kind_of_model_is_refused_with_the_kinds_that_fit(folder: Path, tmp_path: Path) -> None:
    model = _broken(folder, tmp_path)
    (model / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ModelError, match=r"type bert.*hubert, wav2vec2 or wavlm"):
        HubertEncoder.load(model)


def test_pickled_weights_are_refused_unopened(folder: Path, tmp_path: Path) -> None:
    model = _broken(folder, tmp_path)
    (model / "model.safetensors").unlink()
    (model / "pytorch_model.bin").write_bytes(b"cos\nsystem\n")
    with pytest.raises(ModelError, match=r"only as a pickle \(pytorch_model\.bin\)"):
        HubertEncoder.load(model)


def test_a_folder_without_weights_is_refused(folder: Path, tmp_path: Path) -> None:
    model = _broken(folder, tmp_path)
    (model / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"no model\.safetensors"):
        HubertEncoder.load(model)


@pytest.mark.parametrize("layer", [0, -1, 3])
def test_a_layer_that_does_not_exist_is_refused_with_the_range(folder: Path, layer: int) -> None:
    with pytest.raises(SettingsError, match=rf"no layer {layer}.*1 to 2"):
        HubertEncoder.load(folder, layer)


@pytest.mark.parametrize("text", ["{", "[]", '{"model_type": "hubert", "num_hidden_layers": "many"}'])
def test_a_damaged_configuration_is_named(folder: Path, tmp_path: Path, text: str) -> None:
    model = _broken(folder, tmp_path)
    (model / "config.json").write_text(text)
    with pytest.raises(ModelError, match=r"config\.json"):
        HubertEncoder.load(model)


def test_damaged_weights_are_named(folder: Path, tmp_path: Path) -> None:
    model = _broken(folder, tmp_path)
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be loaded"):
        HubertEncoder.load(model)


def test_weights_of_another_size_are_refused(folder: Path, tmp_path: Path) -> None:
    model = _broken(folder, tmp_path)
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(ModelError, match=r"lack \d+ of the model's values"):
        HubertEncoder.load(model)
    (model / "config.json").write_text(json.dumps({**config, "hidden_size": 48}))
    with pytest.raises(ModelError):
        HubertEncoder.load(model)


def test_another_frame_rate_is_refused(tmp_path: Path) -> None:
    _save(tmp_path, conv_stride=[5, 2, 2, 2, 2, 2, 1])
    with pytest.raises(ModelError, match="every 160 samples"):
        HubertEncoder.load(tmp_path)


def test_without_transformers_the_sentence_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(EngineSetupError, match=r"needs the package transformers.*pip install transformers=="):
        HubertEncoder.load(folder)


def test_the_version_that_is_named_is_the_one_tested_here() -> None:
    tested = Path(__file__).resolve().parents[2] / ".ci" / "requirements-dev.txt"
    assert hubert.TRANSFORMERS in tested.read_text().splitlines()


def test_the_network_is_never_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object, **named: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.create_connection", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    assert HubertEncoder.load(folder, device="cpu").dimension == 32
