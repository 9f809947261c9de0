//! Puppet as it is used: on a real engine, in real containers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test fails by panicking.

mod attacks;
mod common;
mod drift;
mod facts;
mod mounts;
mod runs;
mod steps;
mod volumes;

slipway_test_support::harness! {
    [engine] async fn attacks::links_in_the_result_lead_nowhere;
    [engine] async fn attacks::devices_sockets_and_pipes_are_refused;
    [engine] async fn attacks::results_without_end_are_refused;
    [engine] async fn attacks::a_running_image_reaches_nothing_of_the_host;
    [engine] async fn attacks::a_process_that_stays_is_ended_before_the_result_is_read;
    [engine] async fn attacks::an_image_misleads_no_other_image;
    [engine] async fn attacks::a_tree_in_place_is_read_without_following_its_links;
    [engine] async fn attacks::other_modes_contain_it_as_well;
    [engine] async fn drift::what_would_run_and_what_would_change_is_told_and_not_done;
    [engine] async fn facts::facts_are_found_out_once_and_handed_in;
    [engine] async fn facts::a_fact_that_nobody_defines_is_looked_for_once_until_facts_change;
    [engine] async fn mounts::a_mounted_tree_stays_whole_for_as_long_as_its_container_runs;
    [engine] async fn mounts::a_change_that_does_not_count_leaves_the_mounted_tree_in_place;
    [engine] async fn runs::a_run_finds_nothing_of_the_one_before;
    [engine] async fn runs::a_run_that_kills_all_it_can_harms_no_other;
    [engine] async fn runs::a_hanging_run_is_ended_and_the_next_one_starts;
    [engine] async fn runs::compiled_code_is_kept_for_the_next_run_and_changes_no_result;
    [engine] async fn steps::tasks_run_once_for_the_same_inputs;
    [engine] async fn steps::the_hosts_manifest_is_applied_once_a_step;
    [engine] async fn steps::a_host_without_puppet_is_told_what_to_do;
    [engine] async fn steps::our_module_is_valid;
    [engine] async fn volumes::the_second_run_generates_only_changed_volumes;
    [engine] async fn volumes::a_failure_is_explained_and_changes_nothing;
    [engine] async fn volumes::a_run_that_hangs_is_ended;
    [engine] async fn volumes::a_killed_run_leaves_the_old_volume_and_the_next_one_is_right;
    [engine] async fn volumes::an_interrupted_run_removes_its_container;
    [engine] async fn volumes::runs_exclude_each_other_and_generate_only_the_requested_volume;
    [engine] async fn volumes::a_password_file_in_use_is_kept_but_counts;
}
