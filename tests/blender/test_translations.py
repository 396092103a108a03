# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface in other languages: complete rows, registered with Blender, and no label that would be cut."""

from __future__ import annotations

from pathlib import Path

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import part  # noqa: E402

pytestmark = pytest.mark.usefixtures("extension")

LANGUAGES = ("de_DE", "ja_JP", "zh_HANS", "fr_FR", "es")
# a sidebar of 250 pixels without tabs, margins and scroll bar; of a slider the number needs its part
ROOM, NUMBER = 250 - 62, 40
# before a field Blender leaves a label this share of the row
FIELDS, FIELD_LABEL = ("Mix with",), 0.3
SLIDERS = ("Style Strength", "Gaze", "Mix", "Head Motion", "Liveliness", "Surprises", "Neck Share", "Ease", "Seed")
# what is left for the words of a button: its icon, and what stands beside it in its row, are taken off
_ICON, _HALF = 26, (250 - 62) / 2
BUTTONS = {
    **dict.fromkeys(("Generate Lip Sync", "Try It", "Set Up Engine", "Clear Mimesh Animation"), ROOM - _ICON),
    **dict.fromkeys(
        ("Regenerate Head Motion", "Split into Layers", "Try This Head", "Add Demo Head", "Open Preferences"),
        ROOM - _ICON,
    ),
    **dict.fromkeys(("Collect Lines", "Fill Pauses", "Name Key", "Retake", "Cancel (Esc)"), ROOM - _ICON),
    **dict.fromkeys(("Check Face Rig", "Save to Library"), ROOM - 2 * _ICON),
    "Tidy Keys": ROOM - _ICON,
    "Check Closures": ROOM - 3 * _ICON,
    **dict.fromkeys(("Accept", "Reject", "Set Up", "Test", "Generate All"), _HALF - _ICON),
    "This Line": _HALF,
}
# numbers side by side, beside a button
HALVES, _ARROWS = ("Person", "Track"), 34
# labels that were added since the table was last completed
STILL_TO_TRANSLATE = 3
TITLES = ("Speech", "Reference & Style", "Face", "Generate", "Adjust", "Head & Pose Codebook", "Engine", "Options")


def test_every_row_is_complete_and_keeps_its_full_stop() -> None:
    words = part("panels.translation").dictionary()
    assert set(words) == set(LANGUAGES)
    english = {key for language in words.values() for key in language}
    for language in LANGUAGES:
        assert set(words[language]) == english, language
    for (_, sentence), translated in words["de_DE"].items():
        assert sentence.endswith(".") == translated.endswith("."), sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_and_sliders_fit_a_sidebar_of_250_pixels(language: str) -> None:
    words = {english: text for (_, english), text in part("panels.translation").dictionary()[language].items()}
    width = part("panels.words").text_width
    for title in TITLES:
        assert width(words[title], bpy.context) <= ROOM, words[title]
    for label in SLIDERS:
        assert width(words[label], bpy.context) <= ROOM - NUMBER, words[label]
    adjust = {prop.name for prop in bpy.context.scene.mimesh_adjust.bl_rna.properties} - {"RNA", "Name"}
    for label in adjust & words.keys():
        # in their sliders where they do not stand whole to the left of them
        assert width(words[label], bpy.context) <= ROOM - NUMBER, words[label]
    for label, room in BUTTONS.items():
        assert width(words[label], bpy.context) <= room, words[label]
    for label in HALVES:
        assert width(words[label], bpy.context) <= _HALF - _ICON / 2 - _ARROWS, words[label]
    for label in FIELDS:
        assert width(words[label], bpy.context) <= ROOM * FIELD_LABEL, words[label]


def test_a_name_that_does_not_fit_keeps_both_its_ends() -> None:
    words = part("panels.words")
    name = "obama memorialday ×0.75"
    whole = words.text_width(name, bpy.context)
    assert words.shortened(name, whole, bpy.context) == name
    short = words.shortened(name, whole * 0.6, bpy.context)
    assert words.text_width(short, bpy.context) <= whole * 0.6
    assert (short[:3], short[-4:]) == ("oba", "0.75")
    assert words.shortened(name, 1.0, bpy.context) == "…"


@pytest.mark.parametrize(("field", "shown"), [("smoothing_ms", "Smoothing (ms)"), ("lead_frames", "Lead (frames)")])
def test_a_unit_that_blender_does_not_show_stands_in_the_name(field: str, shown: str) -> None:
    prop = bpy.context.scene.mimesh_adjust.bl_rna.properties[field]
    assert prop.name == shown
    words = part("panels.translation").dictionary()["de_DE"]
    assert any(english == shown and "(" in text for (_, english), text in words.items())


def test_seconds_are_shown_as_seconds() -> None:
    assert bpy.context.scene.mimesh_adjust.bl_rna.properties["ease_in_seconds"].unit == "TIME_ABSOLUTE"


def test_blender_shows_the_words_in_the_users_language() -> None:
    view = bpy.context.preferences.view
    if "de_DE" not in {item.identifier for item in view.bl_rna.properties["language"].enum_items_static} and not (
        bpy.app.build_options.international and len(bpy.app.translations.locales) > 1
    ):
        pytest.skip("this Blender has no languages")
    before, interface = view.language, view.use_translate_interface
    try:
        view.language, view.use_translate_interface = "de_DE", True
        assert bpy.app.translations.pgettext_iface("Style Strength") == "Stilstärke"
    finally:
        view.language, view.use_translate_interface = before, interface


SAID = {
    "Keyed 9.5 s of speech on My Head in 2.1 s.": "9.5 s Sprache auf My Head in 2.1 s gekeyt.",
    "15,840 keys, in the actions Mimesh A and Mimesh B.": "15,840 Keys, in den Actions Mimesh A und Mimesh B.",
    "Playable now; learning the style (this step for 4 s)": (
        "Jetzt abspielbar; Stil wird gelernt (dieser Schritt seit 4 s)"
    ),
    "The sequencer has no strip called a: b: choose the strip with the speech again.": (
        "Der Sequencer hat keinen Streifen namens a: b: den Streifen mit der Sprache neu wählen."
    ),
    "Generate Lip Sync: Tracking the reference, 38% (Cancel in Mimesh's panel)": (
        "Lippenbewegung erzeugen: Referenz wird verfolgt, 38 % (Abbrechen im Mimesh-Panel)"
    ),
    "Reference a.mp4: 9.8 s of face at 25 fps, 200 px wide, 0% of frames lost, jitter 0.2 %, turned 2° from the "
    "camera, picture 0.05 s behind the sound (agreement 0.59). The picture was 0.05 s behind the sound; this was "
    "corrected.": (
        "Referenz a.mp4: 9.8 s Gesicht bei 25 Bildern/s, 200 px breit, 0% der Bilder verloren, Zittern 0.2 %, 2° von "
        "der Kamera gedreht, Bild 0.05 s hinter dem Ton (Übereinstimmung 0.59). Das Bild war 0.05 s hinter dem Ton; "
        "das wurde korrigiert."
    ),
    "Something that nobody translated.": "Something that nobody translated.",
}


@pytest.mark.parametrize("english", SAID, ids=lambda english: english[:30])
def test_sentences_with_names_and_numbers_are_said_in_the_users_language(
    english: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {row: text for (_, row), text in part("panels.translation").dictionary()["de_DE"].items()}
    sentences = part("operators.sentences")
    # Blender as a module has no languages
    monkeypatch.setattr(sentences, "look_up", lambda text: words.get(text, text))
    sentences._in_language.cache_clear()
    assert sentences._in_language(english, "de_DE") == SAID[english]
    sentences._in_language.cache_clear()


def test_every_row_is_of_words_that_the_code_says() -> None:
    import ast

    root = Path(__file__).resolve().parents[2]
    trees = (
        ast.parse(path.read_text("utf-8"))
        for folder in ("core", "operators", "panels")
        for path in (root / folder).rglob("*.py")
    )
    said = {
        node.value.casefold()
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    whole = "\n".join(said)
    rows = {english for (_, english) in part("panels.translation").dictionary()["de_DE"]}
    shown = rows - {row for row in rows if row.endswith((" (ms)", " (frames)", " (mm)", " (s)"))}
    parts = {fragment.strip(" .,:;%°()").casefold() for row in shown for fragment in row.split("{}")}
    assert sorted(fragment for fragment in parts if fragment and fragment not in whole) == []


def test_forms_keep_their_places_in_every_language() -> None:
    for language, table in part("panels.translation").dictionary().items():
        for (_, english), text in table.items():
            assert text.count("{") == english.count("{"), (language, english)


def test_words_that_the_panels_show_have_a_row() -> None:
    import importlib.util

    path = Path(__file__).resolve().parents[2] / ".ci" / "extract_messages.py"
    spec = importlib.util.spec_from_file_location("extract_messages", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    known = module.read_table()
    found = module.messages()
    assert {*TITLES, *SLIDERS, "Try It", "Generate Lip Sync"} <= found & known.keys()
    missing = sorted(found - known.keys())
    assert len(missing) <= STILL_TO_TRANSLATE, f"python .ci/extract_messages.py --write adds rows for {missing}"
