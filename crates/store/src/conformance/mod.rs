//! What every engine is held to: the suite, the model test, and builders of frames.
//!
//! An engine's crate implements [`Engine`] in its tests and calls
//! [`conformance_suite!`](crate::conformance_suite) and [`model::run_model_test`]. Each scenario
//! runs four times: plainly, with everything folded between any two frames, with every second
//! frame folded, and with the store closed and opened again between any two. None of it may
//! change an answer.
//!
//! This module is compiled with the feature `conformance` only.

#![allow(
    clippy::unwrap_used,
    reason = "these are tests, kept where all engines can call them"
)]

pub mod artifacts;
pub mod auto;
pub mod catalogue;
pub mod changes;
pub mod deletion;
pub mod edits;
pub mod finding;
pub mod forks;
mod forward;
pub mod frames;
mod harness;
pub mod hiding;
pub mod logs;
pub mod model;
pub mod objects;
pub mod points;
pub mod purge;
pub mod refusals;
pub mod segments;
pub mod testing;
pub mod whole;
pub mod writers;

pub use harness::{
    Between, Engine, Harness, all_points, all_series, check_summary, point_scan, step_values,
    sums_agree,
};

/// Changes that an engine under test keeps, at least.
pub const CONFORMANCE_CHANGES_KEPT: u64 = 100;

/// Runs one scenario on a new store.
pub fn run_scenario<E: Engine + 'static>(between: Between, scenario: fn(&mut Harness)) {
    scenario(&mut Harness::new::<E>(between));
}

/// Makes a test of each scenario for an engine, four times: see the module.
///
/// ```ignore
/// runstone_store::conformance_suite!(SqliteEngine);
/// ```
#[macro_export]
macro_rules! conformance_suite {
    ($engine:ident) => {
        mod plain {
            use super::$engine;
            $crate::conformance_scenarios!($engine, Nothing);
        }
        mod folded {
            use super::$engine;
            $crate::conformance_scenarios!($engine, Folds);
        }
        mod half_folded {
            use super::$engine;
            $crate::conformance_scenarios!($engine, SometimesFolds);
        }
        mod reopened {
            use super::$engine;
            $crate::conformance_scenarios!($engine, Reopens);
        }
    };
}

/// The list of scenarios; call [`conformance_suite!`](crate::conformance_suite) instead.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_scenarios {
    ($engine:ident, $between:ident) => {
        $crate::conformance_scenarios!(@module $engine, $between, frames:
            an_applied_frame_is_readable_and_moves_the_mark,
            a_frame_sent_again_changes_nothing,
            slots_packed_with_other_boundaries_are_applied_once,
            a_gap_without_base_is_a_mismatch,
            another_chain_at_the_mark_is_a_mismatch,
            a_base_frame_records_the_slots_between_as_lost,
            a_base_frame_never_overlaps_the_mark,
            a_store_that_lost_everything_goes_on_from_a_base_frame,
            a_restored_store_takes_each_point_once,
            base_frames_repeat_declarations_without_harm,
            an_empty_slot_range_carries_heartbeats_and_counters_only,
            an_empty_range_takes_no_append_number,
            a_frame_without_operations_takes_its_slots,
            the_mark_of_a_writer_without_a_run_moves_too,
            writers_have_marks_of_their_own,
        );
        $crate::conformance_scenarios!(@module $engine, $between, refusals:
            a_refused_operation_keeps_its_neighbours,
            a_pack_with_a_flipped_bit_is_refused,
            an_operation_of_a_later_version_is_refused_alone,
            one_refused_series_of_a_pack_keeps_the_others,
            values_of_another_type_than_declared_are_refused,
            steps_that_are_not_finite_are_refused,
            a_series_number_stands_for_one_series,
            series_of_texts_are_refused,
            removals_and_rewinds_stand_first_in_their_frame,
            a_removal_of_a_series_that_is_not_there_is_refused,
            if_present_refuses_a_run_that_lives,
            if_present_refuses_params_scalars_and_definitions,
            if_present_refuses_points_at_steps_that_are_taken,
            a_writer_writes_to_the_run_it_has_opened,
            a_writer_is_opened_once,
            a_writer_ends_once,
            texts_and_tags_past_their_limits_are_refused,
        );
        $crate::conformance_scenarios!(@module $engine, $between, points:
            points_come_by_step_in_whatever_order_they_were_logged,
            the_newest_point_of_a_step_shows_and_history_keeps_all,
            odd_values_come_back_bit_for_bit,
            a_series_of_nothing_but_nan_has_no_extremes,
            the_earliest_step_is_the_extreme_among_equals,
            integers_are_exact_and_a_mix_with_floats_reads_as_floats,
            float32_inputs_are_remembered,
            steps_may_be_fractions_negative_and_huge,
            epochs_and_times_stay_with_their_points,
            a_range_of_steps_is_inclusive,
            pages_of_points_join_without_gap_or_repeat,
            a_series_that_never_had_a_point_is_not_found,
            series_come_sorted_by_bytes_and_in_pages,
            long_series_and_many_series_read_the_same,
        );
        $crate::conformance_scenarios!(@module $engine, $between, segments:
            segments_hold_what_shows_whatever_was_hidden,
            segments_of_many_series_come_from_one_scan,
        );
        $crate::conformance_scenarios!(@module $engine, $between, hiding:
            a_rewind_hides_what_lies_at_or_past_its_cut,
            late_points_of_an_older_generation_stay_hidden,
            rewinds_add_up,
            a_generation_wins_over_an_append_number,
            a_removed_series_is_gone_and_keeps_its_history,
            a_removed_step_is_gone_from_one_series_or_all,
            removing_everything_hides_every_series,
            a_removal_hides_the_points_of_all_writers,
            other_runs_are_not_touched,
        );
        $crate::conformance_scenarios!(@module $engine, $between, logs:
            lines_come_back_by_number_whatever_the_frames,
            a_later_line_of_a_number_replaces_the_earlier,
            lines_may_leave_numbers_out_and_come_in_any_order,
            the_tail_of_a_log_is_read_from_its_end,
            streams_and_times_stay_with_their_lines,
            records_are_numbered_and_filtered_by_level,
            each_writer_has_logs_of_its_own,
            logs_sent_twice_or_with_other_boundaries_are_kept_once,
            long_lines_are_cut_and_counted,
            an_operation_with_too_many_lines_is_refused_alone,
            a_long_log_comes_in_pages_of_bounded_size,
            rewinds_and_removals_leave_logs_alone,
            logs_of_a_deleted_run_come_back_with_it_and_go_with_it,
        );
        $crate::conformance_scenarios!(@module $engine, $between, objects:
            objects_come_by_step_with_all_they_had,
            kinds_of_one_name_are_series_of_their_own,
            the_newest_set_of_a_step_replaces_the_older_whole,
            rewinds_and_removals_hide_objects_as_points,
            automatic_steps_of_objects_count_on,
            objects_that_can_not_be_are_refused_alone,
            two_writers_at_one_step_of_objects_are_warned_of,
            many_and_long_objects_come_in_pages,
            objects_of_a_purged_run_are_gone,
        );
        $crate::conformance_scenarios!(@module $engine, $between, auto:
            auto_steps_count_from_zero,
            a_resumed_run_counts_on,
            re_delivery_with_other_boundaries_gives_the_same_steps,
            the_base_is_one_past_the_highest_step,
            explicit_points_of_the_same_frame_do_not_count_for_the_base,
            hidden_points_count_for_the_base,
            numbers_of_all_types_share_one_count,
            each_writer_counts_for_itself,
            counted_steps_that_meet_are_warned_of_in_every_order,
            a_count_past_the_whole_numbers_is_refused_alone,
            auto_steps_must_be_ordinals,
        );
        $crate::conformance_scenarios!(@module $engine, $between, writers:
            a_writer_is_kept_with_its_properties,
            a_run_is_created_and_started_by_its_writer,
            the_end_of_the_primary_writer_is_the_end_of_the_run,
            the_end_of_a_secondary_writer_is_recorded_only,
            data_of_a_known_writer_is_taken_after_the_end,
            a_resume_sets_an_ended_run_running_again,
            a_resume_of_an_unknown_run_is_refused_or_creates,
            a_resume_of_a_running_run_takes_it_over,
            attaching_leaves_state_and_primary_alone,
            lifecycle_events_go_through_the_table,
            a_run_ended_by_an_event_keeps_its_end_when_the_writer_closes,
            completeness_is_what_was_told_and_what_is_here,
            completeness_of_a_run_is_the_sum_over_its_writers,
            two_writers_at_one_step_are_warned_of_once_a_series,
            what_is_hidden_does_not_count_as_another_writers_step,
            clocks_apart_are_warned_of,
        );
        $crate::conformance_scenarios!(@module $engine, $between, catalogue:
            a_run_is_created_with_what_its_opening_gives,
            a_fork_without_its_parent_is_kept_and_warned_of,
            naming_an_experiment_creates_it,
            a_resume_keeps_the_experiment_and_takes_what_is_given,
            properties_are_set_cleared_and_left_alone,
            tags_are_added_and_removed,
            params_merge_replace_and_are_removed,
            a_param_that_gives_way_is_warned_of,
            a_setting_that_can_not_be_refuses_its_operation_whole,
            scalars_keep_type_and_time,
            a_scalar_is_what_the_last_frame_said_whatever_its_time,
            metric_definitions_belong_to_the_experiment,
        );
        $crate::conformance_scenarios!(@module $engine, $between, changes:
            each_applied_frame_is_one_change_with_its_kinds,
            a_frame_that_changes_nothing_leaves_no_change,
            refusals_and_losses_are_changes_of_writers_and_warnings,
            changes_carry_the_events_of_their_frame,
            changes_are_filtered_by_run_experiment_and_kind,
            a_cursor_of_another_store_is_reset,
            the_oldest_changes_are_forgotten,
            who_waits_for_a_change_is_woken_by_it,
        );
        $crate::conformance_scenarios!(@module $engine, $between, finding:
            a_run_is_found_by_id_name_and_prefix,
            runs_are_scanned_in_order_by_pages,
            runs_are_scanned_by_experiment_state_and_archive,
            text_is_ordered_by_bytes,
            odd_and_long_names_are_kept_as_they_are,
            nul_in_text_is_replaced_and_counted,
        );
        $crate::conformance_scenarios!(@module $engine, $between, edits:
            properties_and_tags_are_edited,
            what_is_as_asked_already_takes_no_change_number,
            each_edited_run_takes_a_change_number_and_a_bad_one_harms_nobody,
            a_run_moves_to_an_experiment_that_is_created_for_it,
            the_same_opening_does_not_undo_what_a_person_has_set,
            a_later_call_of_the_script_counts,
            an_edit_of_nobody_changes_nothing,
        );
        $crate::conformance_scenarios!(@module $engine, $between, deletion:
            a_deleted_run_is_gone_from_every_read,
            every_operation_of_a_deleted_runs_writer_is_refused,
            a_deleted_run_stays_deleted_while_its_id_lives_again,
            a_run_comes_back_with_everything_and_its_writers_go_on,
            deleting_and_taking_back_twice_changes_nothing,
            a_writer_that_comes_late_belongs_to_the_deleted_run,
            a_child_of_a_deleted_runs_process_makes_no_new_run,
            a_resume_of_a_deleted_run_is_refused_as_deleted,
            a_fork_of_a_deleted_run_keeps_what_it_has,
            an_ended_run_with_hidden_points_is_deleted_and_taken_back,
        );
        $crate::conformance_scenarios!(@module $engine, $between, purge:
            a_run_is_purged_when_its_time_in_the_trash_is_over,
            a_purged_run_is_in_no_read_and_can_not_be_taken_back,
            writers_of_a_purged_run_are_refused_for_ever,
            lives_of_one_id_are_purged_without_the_one_that_lives,
        );
        $crate::conformance_scenarios!(@module $engine, $between, forks:
            a_fork_begins_with_the_points_of_its_parent,
            a_fork_keeps_what_its_parent_showed_then,
            a_fork_of_a_fork_has_the_points_of_both,
            removals_and_rewinds_of_a_fork_hide_what_it_shares,
            a_shared_step_is_taken,
            forks_of_a_purged_run_keep_what_they_need,
            counted_steps_go_on_after_what_a_rewind_leaves,
            a_fork_counts_on_after_its_step,
            a_run_that_is_there_does_not_become_a_fork,
            forks_stand_on_so_many_others_and_no_more,
        );
        $crate::conformance_scenarios!(@module $engine, $between, artifacts:
            an_artifact_is_pending_until_its_bytes_are_there,
            the_size_of_what_came_counts_whatever_was_announced,
            bytes_that_another_run_has_are_there_at_once,
            each_put_of_other_bytes_is_a_version_and_a_pending_one_gives_way,
            what_can_not_be_put_or_removed_is_refused_alone,
            a_deleted_run_keeps_its_references_until_it_is_purged,
            objects_keep_the_blobs_that_they_refer_to,
            artifacts_come_by_path_and_in_pages,
            artifacts_are_changes_of_their_run,
            leases_are_numbered_once_for_ever,
        );
        $crate::conformance_scenarios!(@module $engine, $between, whole:
            every_applied_frame_takes_the_next_change_number,
            a_snapshot_does_not_move,
            folding_changes_no_answer,
            a_reopened_store_has_everything,
            many_threads_append_and_read_at_once,
            stats_count_what_was_applied,
            a_closed_store_answers_nothing,
        );
    };
    (@module $engine:ident, $between:ident, $module:ident: $($scenario:ident,)+) => {
        mod $module {
            use super::$engine;
            $(
                #[test]
                fn $scenario() {
                    $crate::conformance::run_scenario::<$engine>(
                        $crate::conformance::Between::$between,
                        $crate::conformance::$module::$scenario,
                    );
                }
            )+
        }
    };
}

#[cfg(test)]
mod tests {
    /// A scenario that is not in the list would never run.
    #[test]
    fn every_scenario_is_listed() {
        let list = include_str!("mod.rs");
        let files = [
            include_str!("artifacts.rs"),
            include_str!("auto.rs"),
            include_str!("catalogue.rs"),
            include_str!("deletion.rs"),
            include_str!("edits.rs"),
            include_str!("changes.rs"),
            include_str!("finding.rs"),
            include_str!("forks.rs"),
            include_str!("frames.rs"),
            include_str!("hiding.rs"),
            include_str!("logs.rs"),
            include_str!("objects.rs"),
            include_str!("points.rs"),
            include_str!("purge.rs"),
            include_str!("refusals.rs"),
            include_str!("segments.rs"),
            include_str!("whole.rs"),
            include_str!("writers.rs"),
        ];
        let mut scenarios = 0;
        for file in files {
            for line in file.lines().filter_map(|line| line.strip_prefix("pub fn ")) {
                let name = line.split('(').next().unwrap();
                let entry = format!("            {name},\n");
                assert!(list.contains(&entry), "scenario {name} is not listed");
                scenarios += 1;
            }
        }
        assert!(scenarios > 70);
    }
}
