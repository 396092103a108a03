# SPDX-License-Identifier: GPL-3.0-or-later
"""The second engine through the engine's door, with stand-ins for its networks: codes, strength, mixing, refusals."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from core.engine.backends import mimic as mimic_module
from core.engine.backends.adamesh import AdaMeshBackend
from core.engine.backends.base import ignore_fraction
from core.engine.backends.mimic import MimicBackend
from core.engine.cache import ArtifactCache
from core.engine.context import EngineContext
from core.engine.pipeline import add_to_bank, generate_motion, regenerate_head
from core.errors import ModelError
from core.exchange.media_range import MediaRange
from core.exchange.request import BankRequest, MotionRequest
from core.exchange.results import read_motion_result, write_motion_result
from core.face.basis import open_basis
from core.settings import FaceSettings
from core.style.parts import MimicPart
from core.style.style import Style
from tests.asking import ask
from tests.engine_bench import Bench, StandInEncoder, make_bench, tracked

pytestmark = pytest.mark.slow

# what the stand-in reads from the tracked clip, up to rounding
CLIP_CODE = 1.4
# of the stand-in, spoken at strength 0: every styled line has a plain one beside it
MEAN_CODE = 0.5


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return make_bench(tmp_path, monkeypatch)


def mimic(bench: Bench, **options: object) -> MotionRequest:
    """A request for Mimic with the bench's speech."""
    return ask(bench.audio, engine="mimic", **options)  # type: ignore[arg-type]


def saved(bench: Bench, name: str, level: float) -> Path:
    """A style file whose Mimic code is ``level`` throughout."""
    style = generate_motion(mimic(bench, reference=bench.clip)).style
    assert style is not None
    path = bench.folder / f"{name}.safetensors"
    part = MimicPart(np.full(128, level, np.float32), bench.mimic.hash)
    dataclasses.replace(style, name=name, mimic=part).save(path)
    bench.mimic.codes.clear()
    return path


def test_a_reference_is_spoken_with_its_own_code_and_nothing_is_trained(bench: Bench) -> None:
    result = generate_motion(mimic(bench, reference=bench.clip))
    # the reference's own sound, to see what its face does otherwise, then the line, then the line without a style
    own = pytest.approx(CLIP_CODE, abs=0.01)
    assert bench.mimic.codes == [own, own, MEAN_CODE]
    assert bench.adapted == []
    assert result.style is not None and result.style.mimic is not None and result.style.expression is None
    assert (result.provenance.face.engine, result.provenance.model_hash) == ("mimic", "mimic")
    assert list(result.stage_seconds) == ["audio", "track", "style", "motion", "head"]


def test_head_and_eyes_do_not_depend_on_the_engine(bench: Bench) -> None:
    request = mimic(bench, reference=bench.clip)
    one, other = generate_motion(request), generate_motion(dataclasses.replace(request, face=FaceSettings()))
    np.testing.assert_array_equal(one.motion.head, other.motion.head)
    np.testing.assert_array_equal(one.motion.gaze, other.motion.gaze)
    assert one.neighbours == other.neighbours != ()


def test_strength_goes_from_the_mean_code_to_the_reference_and_past_it(bench: Bench) -> None:
    style = saved(bench, "ada", 1.5)
    for strength in (0.0, 0.5, 1.0, 1.5):
        generate_motion(mimic(bench, style=style, style_strength=strength))
    assert bench.mimic.codes == [MEAN_CODE, 1.0, MEAN_CODE, 1.5, MEAN_CODE, 2.0, MEAN_CODE]


def test_without_a_style_the_mean_speaker_speaks_as_at_strength_zero(bench: Bench) -> None:
    style = saved(bench, "ada", 1.5)
    still = {"blinks": False, "gaze_amount": 0.0}
    plain = generate_motion(mimic(bench, **still))
    none = generate_motion(mimic(bench, style=style, style_strength=0.0, **still))
    np.testing.assert_array_equal(none.motion.face_vector(), plain.motion.face_vector())
    assert plain.style is None


def test_the_line_without_the_style_comes_with_the_styled_one(bench: Bench) -> None:
    style = saved(bench, "ada", 1.5)
    styled = generate_motion(mimic(bench, style=style))
    none = generate_motion(mimic(bench, style=style, style_strength=0.0))
    assert styled.plain is not None and none.plain is None
    np.testing.assert_array_equal(styled.plain.face_vector(), none.motion.face_vector())
    np.testing.assert_array_equal(styled.plain.head, styled.motion.head)
    np.testing.assert_array_equal(styled.plain.gaze, styled.motion.gaze)
    assert generate_motion(mimic(bench)).plain is None


def test_gain_and_offset_are_left_to_adamesh(bench: Bench) -> None:
    """The stand-in clip has a gain; the code alone decides how far Mimic's face moves."""
    result = generate_motion(mimic(bench, reference=bench.clip, blinks=False))
    assert result.style is not None and (result.style.gain != 1).any()
    assert np.abs(result.motion.expression[:, 0]).max() == pytest.approx(CLIP_CODE, abs=0.01)


def test_two_styles_are_mixed_before_strength_and_the_head_stays_the_firsts(bench: Bench) -> None:
    ada, bob = saved(bench, "ada", 1.0), saved(bench, "bob", 2.0)
    alone = generate_motion(mimic(bench, style=ada))
    for share in (0.0, 0.25, 1.0):
        result = generate_motion(mimic(bench, style=ada, second_style=bob, style_mix=share))
        np.testing.assert_array_equal(result.motion.head, alone.motion.head)
    generate_motion(mimic(bench, style=ada, second_style=bob, style_mix=0.5, style_strength=0.5))
    assert bench.mimic.codes[::2] == [1.0, 1.0, 1.25, 2.0, 1.0]
    assert set(bench.mimic.codes[1::2]) == {MEAN_CODE}
    assert result.provenance.second_style_name == "bob"
    assert result.provenance.mixed_in == "100% of bob"
    assert result.provenance.second_style_id == Style.load(bob).id


def test_a_style_learnt_with_adamesh_serves_mimic_too(bench: Bench) -> None:
    style = generate_motion(MotionRequest(bench.audio, reference=bench.clip)).style
    assert style is not None
    style.save(bench.folder / "clip.safetensors")
    bench.mimic.codes.clear()
    generate_motion(mimic(bench, style=bench.folder / "clip.safetensors"))
    assert bench.mimic.codes == [pytest.approx(CLIP_CODE, abs=0.01), MEAN_CODE]


def test_a_style_learnt_with_mimic_is_used_by_adamesh_and_a_note_says_how_far(bench: Bench) -> None:
    path = saved(bench, "ada", 1.5)
    plain = generate_motion(ask(bench.audio, blinks=False))
    styled = generate_motion(ask(bench.audio, style=path, blinks=False))
    assert not np.array_equal(styled.motion.expression, plain.motion.expression)
    assert any("AdaMesh was never trained on the style ada, so it follows its face" in note for note in styled.notes)
    neutral = dataclasses.replace(Style.load(path), gain=np.ones(53, np.float32), offset=np.zeros(53, np.float32))
    neutral.save(path)
    notes = generate_motion(MotionRequest(bench.audio, style=path)).notes
    assert any("so it takes only its head and eyes; generate from its clip" in note for note in notes)


@pytest.mark.parametrize(
    ("part", "word"),
    [
        (None, "style old has no Mimic code. Generate from its reference clip again"),
        (MimicPart(np.ones(128, np.float32), "last-year"), "style old belongs to the weights last-yea"),
    ],
)
@pytest.mark.parametrize("role", ["style", "second_style"])
def test_a_style_that_lacks_a_code_of_these_weights_is_refused_before_the_work(
    bench: Bench, role: str, part: MimicPart | None, word: str
) -> None:
    style = Style.load(saved(bench, "old", 1.0))
    dataclasses.replace(style, mimic=part).save(bench.folder / "old.safetensors")
    bench.tracked_files.clear()
    first = {"reference": bench.clip} if role == "second_style" else {}
    with pytest.raises(ModelError, match=word):
        generate_motion(mimic(bench, **{**first, role: bench.folder / "old.safetensors"}))
    assert bench.tracked_files == [] and bench.mimic.codes == []


def test_without_its_weights_mimic_says_so_and_adamesh_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MimicBackend, "load", _missing)
    style = generate_motion(MotionRequest(bench.audio, reference=bench.clip)).style
    assert style is not None and style.mimic is None and style.pose is not None
    bench.tracked_files.clear()
    with pytest.raises(ModelError, match="not installed"):
        generate_motion(mimic(bench, reference=bench.clip))
    assert bench.tracked_files == []


def _missing(context: object) -> object:
    raise ModelError("Mimic's network is not installed.")


def test_weights_that_are_not_bundled_are_one_sentence_with_a_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mimic_module, "is_bundled", lambda name: False)
    with pytest.raises(ModelError, match=r"\(mimic\.safetensors\) is not installed. Choose AdaMesh"):
        MimicBackend.load(EngineContext("cpu", "bundled", StandInEncoder(), open_basis()))


def test_mimic_speaks_in_a_saved_style_without_adameshs_network(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    style = saved(bench, "ada", 1.5)
    monkeypatch.setattr(AdaMeshBackend, "load", _missing)
    generate_motion(mimic(bench))
    generate_motion(mimic(bench, style=style))
    assert bench.mimic.codes == [MEAN_CODE, 1.5, MEAN_CODE]


def test_changing_the_engine_tracks_nothing_again(bench: Bench) -> None:
    cache = ArtifactCache(bench.folder / "cache")
    request = mimic(bench, reference=bench.clip)
    quick = generate_motion(request, cache=cache)
    trained = generate_motion(dataclasses.replace(request, face=FaceSettings()), cache=cache)
    again = generate_motion(request, cache=cache)
    # a style that AdaMesh was not trained on is none for AdaMesh; its own serves both
    assert bench.adapted == ["clip"]
    assert len(bench.tracked_files) == 1
    np.testing.assert_array_equal(again.motion.face_vector(), quick.motion.face_vector())
    assert trained.style is not None and trained.style.mimic is not None


def test_other_weights_make_the_style_again(bench: Bench) -> None:
    cache = ArtifactCache(bench.folder / "cache")
    generate_motion(mimic(bench, reference=bench.clip), cache=cache)
    bench.mimic.hash = "retrained"
    result = generate_motion(mimic(bench, reference=bench.clip), cache=cache)
    assert result.style is not None and result.style.mimic is not None
    assert result.style.mimic.model_hash == "retrained"


def test_regenerating_the_head_keeps_mimics_provenance(bench: Bench) -> None:
    ada, bob = saved(bench, "ada", 1.0), saved(bench, "bob", 2.0)
    request = mimic(bench, style=ada, second_style=bob, style_mix=0.25)
    whole, regenerated = generate_motion(request), regenerate_head(request)
    assert regenerated.provenance == whole.provenance
    np.testing.assert_array_equal(regenerated.head, whole.motion.head)


def test_adding_to_a_bank_trains_nothing(bench: Bench) -> None:
    add_to_bank(BankRequest(bench.folder / "mine.safetensors", reference=bench.clip, name="Ada"))
    assert bench.adapted == []


def test_a_mixed_result_crosses_the_job_folder(bench: Bench, tmp_path: Path) -> None:
    ada, bob = saved(bench, "ada", 1.0), saved(bench, "bob", 2.0)
    result = generate_motion(mimic(bench, style=ada, second_style=bob, style_mix=0.25))
    folder = tmp_path / "job"
    folder.mkdir()
    again = read_motion_result(folder, write_motion_result(folder, result))
    assert again.provenance == result.provenance
    assert again.style is not None and again.style.mimic is not None
    np.testing.assert_array_equal(again.style.mimic.code, np.ones(128, np.float32))


def test_progress_of_mimic_rises_to_the_end(bench: Bench) -> None:
    seen: list[float] = []
    source = MediaRange(bench.clip.path)
    generate_motion(mimic(bench, reference=source), lambda stage, fraction: seen.append(fraction))
    assert seen == sorted(seen) and seen[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("speech_seconds", [10.0, 0.0], ids=["in step", "does not go with the mouth"])
def test_a_references_sound_counts_only_where_it_goes_with_the_mouth(bench: Bench, speech_seconds: float) -> None:
    reference = tracked(bench.clip.path)
    assert reference.speech is not None
    style = generate_motion(mimic(bench, reference=bench.clip)).style
    assert style is not None
    provenance = dataclasses.replace(style.provenance, speech_seconds=speech_seconds)
    bench.mimic.heard.clear()
    fitted = dataclasses.replace(style, provenance=provenance)
    MimicBackend(bench.mimic).learn(reference, fitted, ignore_fraction)  # type: ignore[arg-type]
    assert bench.mimic.heard == [speech_seconds > 0]


def test_what_the_face_does_otherwise_in_its_code_is_kept_and_spoken(bench: Bench) -> None:
    style = generate_motion(mimic(bench, reference=bench.clip)).style
    assert style is not None and style.mimic is not None and style.mimic.likeness is not None
    # the stand-in says what was tracked: somebody else rests elsewhere
    elsewhere = dataclasses.replace(style.mimic.likeness, shift=np.full(53, 0.1, np.float32))
    for name, likeness in (("own", elsewhere), ("bare", None)):
        part = dataclasses.replace(style.mimic, likeness=likeness)
        dataclasses.replace(style, mimic=part).save(bench.folder / f"{name}.safetensors")
    said = [
        generate_motion(mimic(bench, style=bench.folder / f"{name}.safetensors", style_strength=strength)).motion
        for name, strength in (("own", 1.0), ("bare", 1.0), ("own", 0.0), ("bare", 0.0))
    ]
    own, without, *still = (motion.face_vector() for motion in said)
    assert np.abs(own - without).max() > 0.01
    np.testing.assert_array_equal(*still)
