# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of fault that people report about media and scenes has a test: a row without one fails here."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]

# what goes wrong: file::test of the right value, one or more
SOUND = {
    "any count of channels": ["unit/test_media_sound.py::test_any_count_of_channels_becomes_one_at_full_level"],
    "planar frames of eight channels and more": [
        "unit/test_media_sound.py::test_planar_frames_of_eight_channels_are_read"
    ],
    "one channel of six; channels that cancel": [
        "unit/test_media_sound.py::test_speech_in_one_of_six_channels_keeps_its_level",
        "unit/test_media_sound.py::test_channels_that_cancel_each_other_leave_the_louder_alone_and_it_is_told",
    ],
    "numbers that are none, in sound, style, bank, motion": [
        "unit/test_media_sound.py::test_samples_that_are_no_numbers_are_repaired_and_told",
        "unit/test_own_files_fuzzed.py::test_style_with_a_number_that_is_none_is_refused",
        "unit/test_own_files_fuzzed.py::test_bank_with_a_wrong_value_anywhere_is_refused_in_a_sentence",
        "unit/test_own_files_fuzzed.py::test_motion_with_a_number_that_is_none_does_not_cross_the_border",
    ],
    "holes, jumps, late starts, no timestamps": [
        "unit/test_media_clocks.py::test_sound_after_a_hole_lies_at_its_own_time",
        "unit/test_media_clocks.py::test_a_jump_of_an_hour_is_refused_in_a_sentence_and_a_range_before_it_is_read",
        "unit/test_field_media.py::test_sound_that_starts_late_in_its_file_stays_late",
        "unit/test_media_clocks.py::test_streams_without_timestamps_of_their_own_are_read_whole",
        "unit/test_media_clocks.py::test_a_clock_that_stands_still_tells_nothing",
    ],
    "priming of an encoder": [
        "blender/test_heard_files.py::test_a_file_given_directly_is_keyed_where_blender_plays_it"
    ],
    "format, rate or channels change inside": [
        "unit/test_media_clocks.py::test_a_format_that_changes_inside_is_decoded_on"
    ],
    "several tracks": [
        "unit/test_media_sound.py::test_the_default_track_is_taken_and_told",
        "unit/test_media_sound.py::test_without_a_default_that_sounds_the_track_with_speech_is_taken",
        "unit/test_media_sound.py::test_a_track_can_be_chosen_and_one_that_is_not_there_is_refused",
    ],
    "tags that are not UTF-8": ["unit/test_media_sound.py::test_tags_that_are_not_utf8_never_matter"],
    "five seconds of an hour": ["unit/test_media_clocks.py::test_five_seconds_of_an_hour_cost_five_seconds"],
    "hours of speech; signs of life": [
        "unit/test_long_speech.py::test_an_hour_lies_in_memory_once_while_it_is_decoded",
        "unit/test_media_clocks.py::test_reading_tells_its_progress",
    ],
    "noise and music; rest after the speech": [
        "models/test_rest.py::test_lips_stay_shut_while_nobody_speaks",
        "models/test_rest.py::test_the_face_comes_to_rest_when_speech_ends",
        "blender/test_other_animation.py::test_the_face_rests_before_and_after_the_line",
    ],
    "names, addresses, folders, pipes, permissions": [
        "unit/test_media_kinds.py::test_a_name_is_only_a_name",
        "unit/test_media_kinds.py::test_what_is_no_file_says_so",
        "unit/test_media_kinds.py::test_a_file_that_may_not_be_read_says_so",
        "unit/test_media_kinds.py::test_a_wrong_ending_does_not_matter",
    ],
    "damaged, cut, protected, unfinished": [
        "unit/test_media_damage.py::test_damaged_cut_and_empty_sound_gives_samples_or_one_sentence",
        "unit/test_field_media.py::test_what_cannot_be_read_says_why",
    ],
}
PICTURE = {
    "pixels that are not square": [
        "unit/test_media_damage.py::test_pixels_that_are_not_square_are_made_square",
        "unit/test_field_media.py::test_pixels_that_are_not_square_do_not_change_the_face",
        "unit/test_media_kinds.py::test_a_turned_picture_with_oblong_pixels_is_upright_and_in_shape",
    ],
    "under twelve pictures a second": [
        "unit/test_field_media.py::test_one_picture_a_second_is_refused_with_the_number"
    ],
    "upside down": ["unit/test_field_media.py::test_what_stands_on_its_head_is_turned_and_told"],
    "mouth covered": [
        "unit/test_field_media.py::test_a_covered_mouth_is_refused_second_by_second",
        "unit/test_tracking_seconds.py::test_seconds_with_a_covered_mouth_are_left_out_and_named",
    ],
    "the person changes": [
        "unit/test_tracking_seconds.py::test_a_change_of_person_without_a_visible_cut_is_found_and_the_longer_one_is_used",
        "unit/test_tracking_seconds.py::test_a_cross_fade_between_people_is_found",
    ],
    "two people in one picture": [
        "unit/test_tracking_speaker.py::test_the_one_whose_lips_go_with_the_sound_is_taken_and_told",
        "unit/test_field_media.py::test_two_people_beside_each_other_are_asked_for_without_a_model_of_lips",
    ],
    "a cover as first stream": ["unit/test_media_damage.py::test_a_cover_picture_is_skipped"],
    "sixty pictures a second; a varying rate": [
        "unit/test_field_media.py::test_sixty_pictures_a_second_give_the_motion_of_twenty_five",
        "unit/test_tracking_video.py::test_frames_carry_the_files_own_times_when_the_rate_varies",
    ],
    "interlaced, HDR, alpha, AVIF, GIF, MXF, TS, FLV, 3GP, timecode": [
        "unit/test_media_kinds.py::test_every_picture_is_read_at_its_time_and_shape",
        "unit/test_media_kinds.py::test_an_interlaced_picture_does_not_comb",
        "unit/test_media_kinds.py::test_a_picture_that_does_not_move_is_one_frame",
        "unit/test_media_kinds.py::test_an_animated_webp_says_what_it_is",
    ],
    "a long recording": [
        "unit/test_tracking_seconds.py::test_of_a_long_recording_the_best_seen_half_minute_is_tracked",
        "unit/test_field_media.py::test_a_long_recording_is_looked_through_without_a_silence",
    ],
}
SCENE = {
    "movie at its own rate in another scene": [
        "blender/test_heard_media.py::test_a_movie_that_plays_at_its_own_speed_is_read_whole",
        "blender/test_heard_media.py::test_a_movie_that_shows_a_picture_a_frame_drifts_and_is_told",
    ],
    "sound that starts late": [
        "blender/test_heard_media.py::test_sound_that_starts_late_in_its_file_is_keyed_where_blender_plays_it"
    ],
    "metas, retiming, offsets, fractions of a frame": [
        "blender/test_heard_strips.py::test_the_first_and_last_sample_heard_are_where_blender_plays_them"
    ],
    "what silences a strip": [
        "blender/test_heard_strips.py::test_whatever_silences_a_strip_is_said_and_blender_agrees"
    ],
    "strips in another scene": [
        "blender/test_heard_strips.py::test_a_strip_of_another_scene_is_found_and_the_scene_of_the_keys_is_said",
        "blender/test_heard_strips.py::test_the_scene_that_the_sequencer_shows_comes_first_and_is_shown_again",
    ],
    "two strips of one character": [
        "blender/test_other_animation.py::test_a_second_line_leaves_the_first_and_the_face_rests_between",
        "blender/test_heard_strips.py::test_strips_of_one_character_are_one_speech_and_music_is_left_out",
    ],
    "teeth, tongue, lashes of their own": [
        "blender/test_rig_parts.py::test_teeth_tongue_and_lashes_of_their_own_are_keyed_along_and_listed"
    ],
    "other spellings, VRM, Oculus": [
        "unit/test_rig_conventions.py::test_all_52_arkit_keys_are_found_in_every_spelling",
        "blender/test_rig_cases.py::test_a_rig_of_visemes_alone_is_keyed_and_says_what_it_lacks",
    ],
    "head bone of unknown name": ["blender/test_rig_cases.py::test_a_bodys_root_is_not_turned"],
    "overrides": [
        "blender/test_overrides.py::test_an_overridden_face_is_keyed_and_keeps_its_keys_through_saving_and_loading"
    ],
    "driven faces": ["blender/test_face_controls.py::test_a_face_that_controls_drive_is_keyed_by_its_controls"],
    "vertex groups on keys": ["blender/test_rig_cases.py::test_a_keys_vertex_group_counts"],
    "what hides the result": ["blender/test_hidden_results.py::test_what_hides_the_result_is_named_before_the_run"],
    "time remapping": ["blender/test_heard_media.py::test_time_remapping_is_followed"],
    "body action on the same armature": [
        "blender/test_apply_plan.py::test_a_body_action_stays_where_it_is_and_plays_on"
    ],
    "an eye with all the keys": [
        "blender/test_rig_parts.py::test_an_eyeball_with_all_the_keys_is_refused_and_the_face_named"
    ],
    "a driver on one key": ["blender/test_apply_plan.py::test_a_driven_key_is_left_out_and_named"],
    "corrections on the NLA": [
        "blender/test_other_animation.py::test_additive_corrections_stay_on_top_when_the_line_is_made_again"
    ],
    "Clear": ["blender/test_other_animation.py::test_clear_puts_keys_bones_and_sliders_where_they_were"],
    "export to glTF": ["blender/test_other_animation.py::test_a_line_is_one_animation_in_gltf"],
    "relative paths": [
        "blender/test_engine_panel.py::test_every_field_for_a_path_takes_one_relative_to_the_blend_file"
    ],
    "60 fps phone, 29.97 scenes, fractions of a frame": [
        "blender/test_heard_media.py::test_a_phones_video_is_heard_where_blender_plays_it_also_between_frames"
    ],
}
ROWS = {f"{table}: {row}": tests for table, rows in (("sound", SOUND), ("picture", PICTURE), ("scene", SCENE))
        for row, tests in rows.items()}  # fmt: skip


@functools.cache
def names_in(path: str) -> frozenset[str]:
    return frozenset(re.findall(r"^def (test_\w+)\(", (TESTS / path).read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("row", ROWS)
def test_every_kind_of_fault_has_a_test_of_its_right_value(row: str) -> None:
    assert ROWS[row]
    missing = [name for name in ROWS[row] if name.partition("::")[2] not in names_in(name.partition("::")[0])]
    assert not missing
