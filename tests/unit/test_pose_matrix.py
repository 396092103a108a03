# SPDX-License-Identifier: GPL-3.0-or-later
"""Pose style matrices, the bank of styles and retrieval."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError, SettingsError
from core.models.pose.units import fit_units, frame_features
from core.pose.bank import BANK_FILE, BankEntry, PoseBank
from core.pose.local_dynamics import movement
from core.pose.statistics import STATISTICS
from core.pose.style_matrix import COUNT_CAP, StyleMatrix, matrix_distance, shrunk_rows, style_matrix
from core.pose.user_bank import bank_names, remove_from_bank, save_user_bank
from core.weights import VENDOR_MODELS, write_tensors

UNITS, SIZE = 8, 5


def _random_matrix(seed: int, frames: int = 200) -> StyleMatrix:
    rng = np.random.default_rng(seed)
    return style_matrix(rng.integers(UNITS, size=frames), rng.normal(seed, 1.0, (frames, SIZE)), UNITS)


def _entry(name: str, seed: int, person: str = "") -> BankEntry:
    rng = np.random.default_rng(100 + seed)
    return BankEntry(
        name=name,
        speaker=person or name,
        matrix=_random_matrix(seed),
        embedding=rng.normal(size=4).astype(np.float32),
        statistics=rng.normal(size=len(STATISTICS)).astype(np.float32),
        provenance="made for the test",
    )


def _bank(count: int = 3) -> PoseBank:
    entries = tuple(_entry(f"style {i}", i) for i in range(count))
    return PoseBank(entries, np.ones(SIZE, np.float32), "prior", "units")


def test_permuting_speech_and_pose_together_leaves_the_matrix_unchanged() -> None:
    rng = np.random.default_rng(0)
    units, latents = rng.integers(UNITS, size=300), rng.normal(size=(300, SIZE))
    order = rng.permutation(300)
    first, second = style_matrix(units, latents, UNITS), style_matrix(units[order], latents[order], UNITS)
    np.testing.assert_allclose(first.rows, second.rows, atol=1e-6)
    np.testing.assert_array_equal(first.counts, second.counts)


def test_permuting_pose_alone_changes_the_matrix() -> None:
    rng = np.random.default_rng(0)
    units, latents = rng.integers(UNITS, size=300), rng.normal(size=(300, SIZE))
    assert not np.allclose(
        style_matrix(units, latents, UNITS).rows, style_matrix(units, latents[::-1], UNITS).rows, atol=1e-3
    )


def test_row_is_the_mean_over_the_frames_of_its_unit_and_absent_units_count_nothing() -> None:
    matrix = style_matrix(np.array([2, 0, 2]), np.array([[1.0, 2.0], [5.0, 5.0], [3.0, 4.0]]), 4)
    np.testing.assert_allclose(matrix.rows, [[5, 5], [0, 0], [2, 3], [0, 0]])
    np.testing.assert_array_equal(matrix.counts, [1, 0, 2, 0])


def test_distance_counts_common_units_only_and_up_to_the_cap() -> None:
    first = StyleMatrix(np.array([[0.0], [0.0], [9.0]], np.float32), np.array([100.0, 1.0, 5.0], np.float32))
    second = StyleMatrix(np.array([[1.0], [4.0], [0.0]], np.float32), np.array([50.0, 3.0, 0.0], np.float32))
    gap = np.abs(shrunk_rows(first) - shrunk_rows(second))[:, 0]
    assert matrix_distance(first, second) == pytest.approx((COUNT_CAP * gap[0] + 1 * gap[1]) / (COUNT_CAP + 1))
    assert matrix_distance(first, second) == matrix_distance(second, first)
    assert matrix_distance(first, first) == 0.0


def test_rows_of_few_frames_are_drawn_towards_the_mean_and_well_known_ones_stay() -> None:
    matrix = StyleMatrix(np.array([[0.0], [11.0], [0.0]], np.float32), np.array([1000.0, 1.0, 0.0], np.float32))
    steady = shrunk_rows(matrix)[:, 0]
    mean = 11.0 / 1001
    np.testing.assert_allclose(steady, [0.0, (11.0 + 10 * mean) / 11, mean], atol=1e-3)


def test_chance_in_rare_units_does_not_decide_who_is_nearest() -> None:
    rng = np.random.default_rng(0)

    def person(level: float, frames: int) -> StyleMatrix:
        return style_matrix(rng.integers(200, size=frames), rng.normal(level, 1.0, (frames, 3)), 200)

    bank = {"alike, little known": person(1.0, 200), "other, well known": person(0.0, 20_000)}
    for _ in range(5):
        asked = person(1.0, 250)
        assert min(bank, key=lambda name: matrix_distance(asked, bank[name])) == "alike, little known"


def test_matrices_without_a_common_unit_are_infinitely_far() -> None:
    one = StyleMatrix(np.zeros((2, 1), np.float32), np.array([1.0, 0.0], np.float32))
    other = StyleMatrix(np.zeros((2, 1), np.float32), np.array([0.0, 1.0], np.float32))
    assert matrix_distance(one, other) == float("inf")


def test_movement_is_equal_in_all_frames_of_a_still_head_and_grows_with_amplitude() -> None:
    still = movement(np.full((60, 3), 0.1))
    np.testing.assert_allclose(still, np.broadcast_to(still[0], still.shape), atol=1e-9)
    wave = np.sin(np.arange(100) / 5.0)[:, None] * np.ones(3)
    assert (movement(0.2 * wave)[20:80] > movement(0.1 * wave)[20:80] + 0.3).all()


def test_own_matrix_is_retrieved_first_at_distance_zero() -> None:
    bank = _bank()
    found = bank.retrieve(bank.entries[1].matrix, k=3)
    assert found.neighbours[0].name == "style 1"
    assert found.neighbours[0].distance == 0.0
    assert [n.distance for n in found.neighbours] == sorted(n.distance for n in found.neighbours)
    assert sum(n.share for n in found.neighbours) == pytest.approx(1.0)


def test_retrieval_of_one_gives_exactly_that_entrys_embedding() -> None:
    bank = _bank()
    found = bank.retrieve(_random_matrix(2), k=1)
    brute = min(bank.entries, key=lambda e: matrix_distance(_random_matrix(2), e.matrix))
    assert found.neighbours[0].name == brute.name
    np.testing.assert_array_equal(found.embedding, brute.embedding)


def test_mix_lies_between_its_styles_and_leans_to_the_nearer() -> None:
    bank = _bank(2)
    between = StyleMatrix(
        0.7 * bank.entries[0].matrix.rows + 0.3 * bank.entries[1].matrix.rows, bank.entries[0].matrix.counts
    )
    found = bank.retrieve(between, k=2)
    assert found.neighbours[0].name == "style 0"
    assert found.neighbours[0].share > 0.5
    expected = sum(n.share * e.embedding for n, e in zip(found.neighbours, bank.entries, strict=True))
    np.testing.assert_allclose(found.embedding, expected, atol=1e-6)


def test_scale_decides_which_dimensions_count() -> None:
    bank = _bank(2)
    rows = bank.entries[0].matrix.rows.copy()
    rows[:, 0] = bank.entries[1].matrix.rows[:, 0]
    query = StyleMatrix(rows, bank.entries[0].matrix.counts)
    first_only = dataclasses.replace(bank, scale=np.eye(SIZE, dtype=np.float32)[0])
    assert bank.retrieve(query).neighbours[0].name == "style 0"
    assert first_only.retrieve(query).neighbours[0].name == "style 1"


def test_bank_survives_its_file(tmp_path: Path) -> None:
    bank = _bank()
    bank.save(tmp_path / "bank.safetensors")
    again = PoseBank.load(tmp_path / "bank.safetensors")
    assert [e.name for e in again.entries] == [e.name for e in bank.entries]
    assert (again.prior_hash, again.unit_hash) == ("prior", "units")
    for one, other in zip(bank.entries, again.entries, strict=True):
        np.testing.assert_allclose(one.matrix.rows, other.matrix.rows, atol=4e-3)
        np.testing.assert_array_equal(one.matrix.counts, other.matrix.counts)
        np.testing.assert_array_equal(one.embedding, other.embedding)
        np.testing.assert_array_equal(one.statistics, other.statistics)
        assert (one.speaker, one.provenance) == (other.speaker, other.provenance)


def test_empty_bank_survives_its_file_and_retrieves_nothing(tmp_path: Path) -> None:
    PoseBank((), np.ones(SIZE, np.float32), "prior", "units").save(tmp_path / "bank.safetensors")
    bank = PoseBank.load(tmp_path / "bank.safetensors")
    with pytest.raises(ModelError, match="no style"):
        bank.retrieve(_random_matrix(0))


def test_users_own_clip_is_added_saved_and_retrieved(tmp_path: Path) -> None:
    bank = _bank().added(_entry("my clip", 7))
    bank.save(tmp_path / "bank.safetensors")
    found = PoseBank.load(tmp_path / "bank.safetensors").retrieve(_random_matrix(7))
    assert found.neighbours[0].name == "my clip"
    assert len(bank.removed("my clip")) == 3


def test_a_style_without_its_sound_survives_its_file_with_statistics_that_are_not_known(tmp_path: Path) -> None:
    bank = _bank()
    statistics = bank.entries[0].statistics.copy()
    statistics[-1] = np.nan
    soundless = dataclasses.replace(bank.entries[0], name="soundless", statistics=statistics)
    bank.added(soundless).save(tmp_path / "bank.safetensors")
    np.testing.assert_array_equal(PoseBank.load(tmp_path / "bank.safetensors").entries[-1].statistics, statistics)


def test_a_name_is_taken_once() -> None:
    with pytest.raises(SettingsError, match="style 1"):
        _bank().added(_entry("style 1", 9))
    with pytest.raises(SettingsError, match="nobody"):
        _bank().removed("nobody")


def test_style_of_other_units_is_refused() -> None:
    entry = dataclasses.replace(_entry("other", 5), matrix=style_matrix(np.array([0]), np.zeros((1, SIZE)), UNITS + 1))
    with pytest.raises(ModelError, match="other speech units"):
        _bank().added(entry)


def test_damaged_and_foreign_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "bank.safetensors"
    _bank().save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ModelError, match=r"bank\.safetensors"):
        PoseBank.load(path)


def test_units_are_the_nearest_centres_and_the_same_for_the_same_seed() -> None:
    rng = np.random.default_rng(0)
    frames = np.concatenate([rng.normal(centre, 0.1, (80, 3)) for centre in (-3.0, 0.0, 3.0)]).astype(np.float32)
    units = fit_units(frames, 3, "encoder", seed=1)
    assert units.hash == fit_units(frames, 3, "encoder", seed=1).hash
    features = np.repeat(frames, 2, axis=0)
    assigned = units.assign(features)
    normal = (frames - units.mean) / units.deviation
    brute = ((normal[:, None] - units.centres) ** 2).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(assigned, brute)
    assert [len(set(assigned[i : i + 80])) for i in (0, 80, 160)] == [1, 1, 1]
    assert len(set(assigned)) == 3


def test_frame_features_average_the_two_that_fall_into_a_frame() -> None:
    np.testing.assert_allclose(frame_features(np.array([[1.0], [3.0], [5.0]])), [[2.0], [5.0]])


def test_a_style_leaves_a_bank_file_and_the_others_stay_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / "own.safetensors"
    _bank().save(file)
    assert bank_names(file) == ("style 0", "style 1", "style 2")
    assert remove_from_bank(file, "style 1") == bank_names(file) == ("style 0", "style 2")
    left, before = PoseBank.load(file), _bank()
    np.testing.assert_allclose(left.entries[1].matrix.rows, before.entries[2].matrix.rows, rtol=2e-3)
    np.testing.assert_array_equal(left.entries[1].embedding, before.entries[2].embedding)


def test_the_last_style_stays(tmp_path: Path) -> None:
    file = tmp_path / "own.safetensors"
    _bank(1).save(file)
    with pytest.raises(SettingsError, match="style 0 is the only style"):
        remove_from_bank(file, "style 0")
    assert bank_names(file) == ("style 0",)


def test_the_bundled_bank_is_never_written(tmp_path: Path) -> None:
    link = tmp_path / "same.safetensors"
    link.symlink_to(VENDOR_MODELS / BANK_FILE)
    before = link.read_bytes()
    for path in (VENDOR_MODELS / BANK_FILE, link):
        with pytest.raises(SettingsError, match="never changed"):
            save_user_bank(_bank(), path)
    assert link.read_bytes() == before


def test_a_bank_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelError, match="cannot be written"):
        save_user_bank(_bank(), tmp_path / "file" / "own.safetensors")


def test_names_of_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    write_tensors(path, {}, {"format": "something else"})
    with pytest.raises(ModelError, match="is not a Mimesh pose bank"):
        bank_names(path)


def test_statistics_that_a_clip_without_sound_lacks_survive_the_file(tmp_path: Path) -> None:
    entry = _bank().entries[0]
    lacking = entry.statistics.copy()
    lacking[-2:] = np.nan
    path = tmp_path / "bank.safetensors"
    dataclasses.replace(_bank(), entries=(dataclasses.replace(entry, statistics=lacking),)).save(path)
    np.testing.assert_array_equal(PoseBank.load(path).entries[0].statistics, lacking)
    lacking[0] = np.inf
    dataclasses.replace(_bank(), entries=(dataclasses.replace(entry, statistics=lacking),)).save(path)
    with pytest.raises(ModelError, match="statistics"):
        PoseBank.load(path)
