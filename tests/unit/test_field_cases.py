# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kind of rig that people reported trouble with has its test: a row without one is seen here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
# what people have, and the tests (file: names) that hold the right value in a real Blender
ROWS: dict[str, dict[str, tuple[str, ...]]] = {
    "two strips of one character": {
        "test_other_animation": (
            "test_a_second_line_leaves_the_first_and_the_face_rests_between",
            "test_three_lines_in_any_order_each_keep_their_own",
        ),
    },
    "teeth, tongue, lashes, brows as meshes of their own": {
        "test_rig_parts": (
            "test_teeth_tongue_and_lashes_of_their_own_are_keyed_along_and_listed",
            "test_teeth_under_the_jaw_bone_are_listed_as_moving_with_the_bones",
        ),
    },
    "ARKit in other spellings, vowels, visemes": {
        "test_rig_cases": (
            "test_the_match_is_the_same_in_every_spelling",
            "test_a_rig_of_visemes_alone_is_keyed_and_says_what_it_lacks",
        ),
        "test_rig_families": ("test_the_mouth_of_every_family_opens_and_shuts_with_the_motion",),
    },
    "a head bone of unknown name under a body": {
        "test_rig_cases": (
            "test_bones_named_by_hand_are_keyed",
            "test_a_bodys_root_is_not_turned",
        ),
    },
    "library overrides": {
        "test_overrides": (
            "test_an_overridden_face_is_keyed_and_keeps_its_keys_through_saving_and_loading",
            "test_an_override_of_the_object_alone_is_refused_with_the_way_out",
        ),
    },
    "driven faces": {
        "test_face_controls": (
            "test_a_face_that_controls_drive_is_keyed_by_its_controls",
            "test_controls_that_cannot_be_told_are_named",
        ),
    },
    "keys with vertex groups": {"test_rig_cases": ("test_a_keys_vertex_group_counts",)},
    "what hides the result": {"test_hidden_results": ("test_what_hides_the_result_is_named_before_the_run",)},
    "a body action on the same armature": {
        "test_apply_plan": ("test_a_body_action_stays_where_it_is_and_plays_on",),
        "test_other_animation": ("test_a_body_action_keeps_its_place_and_its_other_bones",),
    },
    "eyes and teeth with all the keys of the face": {
        "test_rig_parts": ("test_an_eyeball_with_all_the_keys_is_refused_and_the_face_named",),
    },
    "a driver on one key that is not needed": {
        "test_apply_plan": ("test_a_driven_key_is_left_out_and_named",),
        "test_rig_families": ("test_what_is_beside_the_mouth_does_not_stop_it",),
    },
    "additive corrections above ours": {
        "test_other_animation": ("test_additive_corrections_stay_on_top_when_the_line_is_made_again",),
    },
    "Clear": {"test_other_animation": ("test_clear_puts_keys_bones_and_sliders_where_they_were",)},
    "export to glTF": {"test_other_animation": ("test_a_line_is_one_animation_in_gltf",)},
    "mirrored or tilted landmarks": {
        "test_rig_refusals": ("test_a_refusal_is_one_sentence_with_a_way_out_and_leaves_the_scene_as_it_was",),
    },
    "no refusal touches the scene": {"test_rig_refusals": ("test_no_refusal_of_the_path_is_left_out",)},
    "a Rigify jaw: the deform bone copies its control": {
        "test_rig_cases": ("test_a_deform_bone_that_copies_a_control_leaves_the_control_to_be_keyed",),
    },
    "two faces on one armature": {
        "test_other_animation": ("test_two_faces_on_one_armature_do_not_take_each_others_jaw",),
    },
    "two Armature modifiers": {
        "test_rig_cases": ("test_the_armature_with_the_face_counts_not_the_first_modifier",),
    },
    "a head on a turned bone": {"test_rig_cases": ("test_a_head_that_hangs_on_a_turned_bone_still_nods",)},
    "any scale, turn and parent": {"test_rig_families": ("test_size_and_place_of_a_head_do_not_matter",)},
    "FLAME's pose correctives": {"test_import_flame": ("test_correctives_are_keyed_frame_by_frame",)},
}


@pytest.mark.parametrize("row", ROWS)
def test_the_row_has_its_tests(row: str) -> None:
    for file, names in ROWS[row].items():
        tree = ast.parse((TESTS / "blender" / f"{file}.py").read_text(encoding="utf-8"))
        present = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert set(names) <= present
