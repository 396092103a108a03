# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of head motion on made clips: known variations, soft targets, the whole run and its resumption."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from core.audio.speech import Speech
from core.errors import SettingsError
from core.models.pose.generate import PoseGenerator
from core.models.pose.gpt import GptConfig
from core.models.pose.speech_steps import encode_speech
from core.models.pose.vq import PoseVq, VqConfig
from core.models.speech.mel import MelEncoder
from core.pose.prominence import prominence_peaks
from core.pose.reference import PoseReference
from core.pose.statistics import STATISTICS, pose_statistics
from core.settings import HeadSettings
from research.training import loop
from research.training.pose import units as pose_units
from research.training.pose.data import PoseClip, Variation, cut, folder_clips, nods_on_stress, varied
from research.training.pose.gpt import GptLoss, GptSettings, soft_codes, train_gpt
from research.training.pose.prior import PoseWindows, PriorSettings, code_use, score_prior
from research.training.pose.train import PoseTrainingSettings, new_prior, train_pose
from research.training.pose.units import fisher_scale, split_half_retrieval
from research.training.pose.windows import PoseGptWindows

VQ = VqConfig(frames_per_step=4, codes=16, code_size=3, width=12, dilations=(1,))


def _clip(name: str, seed: int, size: float = 1.0, seconds: float = 12.0, lively: bool = True) -> PoseClip:
    rng = np.random.default_rng(seed)
    frames = int(seconds * 25)
    loud = np.repeat(rng.uniform(0.02, 0.3, frames // 5 + 1), 3200)[: frames * 640]
    speech = Speech((loud * rng.normal(size=len(loud))).astype(np.float32), name)
    slow = np.cumsum(rng.normal(0, 1, (frames, 3)), axis=0)
    slow = slow - np.linspace(0, 1, frames)[:, None] * slow[-1]
    head = 0.01 * size * (slow - slow.mean(axis=0))
    return PoseClip(name, name, head.astype(np.float32), encode_speech(speech, MelEncoder()), lively, "made")


@pytest.fixture(scope="module")
def clips() -> list[PoseClip]:
    calm = [dataclasses.replace(_clip(f"c{i}", 20 + i, 0.2, 3.0, lively=False), person="calm") for i in range(4)]
    return [_clip("anna", 1, 0.5), _clip("berta", 2, 2.0), *calm]


def test_variation_is_what_it_says(clips: list[PoseClip]) -> None:
    clip = clips[0]
    np.testing.assert_allclose(varied(clip, Variation(amplitude=2.0)).head, 2 * clip.head, atol=1e-6)
    np.testing.assert_allclose(varied(clip, Variation(mirrored=True)).head, clip.head * [1, -1, -1], atol=1e-6)
    tilted = varied(clip, Variation(tilt_radians=(0.0, 0.1, 0.0)))
    np.testing.assert_allclose(tilted.head - clip.head, np.broadcast_to([0, 0.1, 0], clip.head.shape), atol=1e-6)
    fast = varied(clip, Variation(tempo=2.0))
    assert len(fast.head) == len(clip.head) // 2
    np.testing.assert_allclose(fast.head, clip.head[::2][: len(fast.head)], atol=1e-6)
    assert fast.heard.frames == len(fast.head)
    assert varied(clip, Variation()).name == clip.name
    assert "mirrored" in varied(clip, Variation(mirrored=True)).name


def test_nods_come_with_stress_and_are_measured_as_such(clips: list[PoseClip]) -> None:
    clip = clips[1]
    nods = nods_on_stress(clip.heard.loudness)
    peaks = prominence_peaks(clip.heard.loudness)
    assert len(peaks) > 3
    assert nods[peaks, 0].mean() > nods[:, 0].mean() + 0.2
    assert not nods[:, 1:].any()
    nod = STATISTICS.index("nod")
    before, after = (
        pose_statistics([c.head], [c.heard.loudness])[nod]
        for c in (clip, varied(clip, Variation(nod_radians=np.radians(5.0))))
    )
    assert after > before + 0.5


def test_cut_keeps_sound_and_head_in_step(clips: list[PoseClip]) -> None:
    part = cut(clips[0], 30, 80)
    np.testing.assert_array_equal(part.head, clips[0].head[30:80])
    np.testing.assert_array_equal(part.heard.features, clips[0].heard.features[60:160])
    np.testing.assert_array_equal(part.heard.loudness, clips[0].heard.loudness[30:80])


def test_windows_are_the_same_for_the_same_seed_and_all_differ(clips: list[PoseClip]) -> None:
    torch.manual_seed(0)
    vq = PoseVq(VQ).eval()
    source = PoseGptWindows(clips, vq, batch=3, window_steps=20)
    one, again, other = (source.draw(np.random.default_rng(seed)) for seed in (4, 4, 5))
    torch.testing.assert_close(one.latents, again.latents)
    torch.testing.assert_close(one.speech, again.speech)
    assert one.latents.shape[1] == one.speech.shape[1] == one.present.shape[1]
    assert not torch.equal(one.latents[0], other.latents[0])
    heads = PoseWindows(clips).draw(4, 40, np.random.default_rng(1))
    assert heads.shape == (4, 40, 3)
    assert not np.allclose(heads[0], heads[1])


def test_calm_rows_say_how_much_of_them_is_real(clips: list[PoseClip]) -> None:
    torch.manual_seed(0)
    source = PoseGptWindows([c for c in clips if not c.lively], PoseVq(VQ).eval(), batch=2, window_steps=60)
    batch = source.draw(np.random.default_rng(0))
    # 3 s are 18 whole steps of 4 frames; more rows make up for it
    assert batch.latents.shape[1] <= 19
    assert len(batch.latents) >= 6
    assert (batch.present.sum(dim=1) >= 10).all()


def test_soft_codes_favour_the_nearest_and_their_draws_add_up() -> None:
    torch.manual_seed(0)
    codebooks, latents = torch.randn(2, 16, 3), torch.randn(4, 7, 3)
    soft = soft_codes(latents, codebooks, torch.tensor([0.3, 0.3]), None)
    nearest = torch.cdist(latents.reshape(-1, 3), codebooks[0]).argmin(dim=1).reshape(4, 7)
    assert torch.equal(soft.targets[0].argmax(dim=-1), nearest)
    torch.testing.assert_close(soft.targets[1].sum(dim=-1), torch.ones(4, 7))
    torch.testing.assert_close(soft.so_far[:, :, 1], soft.chosen.sum(dim=2))
    first = torch.full((3,), 9.0)
    torch.testing.assert_close(soft.before(first)[:, 1:], soft.so_far[:, :-1, 1])
    torch.testing.assert_close(soft.before(first)[:, 0], first.expand(4, 3))


def test_code_use_counts_codes_and_their_evenness() -> None:
    used, perplexity = code_use(np.array([[0, 1], [1, 1], [2, 1], [3, 1]]), 8)
    assert used == (0.5, 0.125)
    assert perplexity == pytest.approx((4.0, 1.0))


def test_fisher_scale_favours_what_tells_people_apart() -> None:
    rng = np.random.default_rng(0)
    people = [rng.normal(0, 1, (200, 2)) + np.array([centre, 0.0]) for centre in (-3.0, 0.0, 3.0)]
    scale = fisher_scale([p.astype(np.float32) for p in people])
    assert scale[0] == 1.0
    assert scale[1] < 0.1


def _settings(steps: int = 3) -> PoseTrainingSettings:
    return PoseTrainingSettings(
        vq=VQ,
        network=GptConfig(speech_size=0, style_size=0, layers=1, width=16, heads=2, context=8),
        prior=PriorSettings(steps=40, batch=8, window_frames=40),
        gpt=GptSettings(steps=steps, batch=2, window_steps=10),
        threads=1,
    )


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(loop, "CHECKPOINTS", tmp_path / "checkpoints")
    monkeypatch.setattr(pose_units, "UNIT_COUNTS", (8, 16))
    return tmp_path / "checkpoints"


def test_one_command_trains_prior_units_and_bank(clips: list[PoseClip], checkpoints: Path, tmp_path: Path) -> None:
    trained = train_pose(clips, MelEncoder(), _settings(), "test", tmp_path / "out")
    assert set(trained.choice.retrieved) == {8, 16}
    names = [entry.name for entry in trained.bank.entries]
    assert {"anna", "berta", "calm", "berta (mirrored)"} <= set(names)
    out = tmp_path / "out"
    generator = PoseGenerator.load(bank=out / "pose_bank.safetensors", prior=out / "pose_prior.safetensors")
    clip = clips[1]
    reference = PoseReference(clip.head, generator.matrix(clip.heard, clip.head))
    result = generator.generate(clip.heard, reference, HeadSettings())
    # the mirror image moves as much and differs in its latents alone
    assert result.neighbours[0].name.startswith("berta")
    assert result.head.shape == clip.head.shape
    # half the codes or more are alive even after forty steps
    assert (
        min(score_prior(trained.loaded.prior.vq, list(PoseWindows(clips).draw(64, 80, np.random.default_rng(0)))).used)
        > 0.5
    )


def test_broken_off_training_resumes_to_what_an_unbroken_one_gives(
    clips: list[PoseClip], checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = GptSettings.schedule
    monkeypatch.setattr(GptSettings, "schedule", lambda self: dataclasses.replace(plain(self), save_every=2))

    def trained(name: str) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        prior = new_prior(MelEncoder.dimension, PoseVq(VQ), _settings())
        return train_gpt(clips, prior, _settings(5).gpt, name).state_dict()

    whole = trained("whole")
    calls, loss = [], GptLoss.__call__

    def stopping(self: GptLoss, network: torch.nn.Module, chance: loop.Chance) -> torch.Tensor:
        calls.append(1)
        if len(calls) == 4:
            raise InterruptedError
        return loss(self, network, chance)

    monkeypatch.setattr(GptLoss, "__call__", stopping)
    with pytest.raises(InterruptedError):
        trained("broken")
    resumed = trained("broken")
    # two steps were saved, the third and fourth were lost
    assert len(calls) == 4 + 3
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value)


def test_split_half_retrieval_finds_people_of_different_liveliness(clips: list[PoseClip]) -> None:
    torch.manual_seed(0)
    vq = PoseVq(VQ).eval()
    frames = pose_units.unit_frames(clips, [], MelEncoder())
    units = pose_units.fit_units(frames, 8, MelEncoder().hash, 0)
    found = split_half_retrieval(clips, [pose_units.style_latents(vq, clip.head) for clip in clips], units)
    assert found.chance == pytest.approx(1 / 3)
    assert found.top1 > 0.6


def test_folder_without_videos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=str(tmp_path)):
        folder_clips(tmp_path, MelEncoder())
