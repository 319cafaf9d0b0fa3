"""The table of faults in docs/training.md: each row is made to happen by the tests that are named here."""

from __future__ import annotations

import ast
from pathlib import Path

TRAINING = Path(__file__).parent
DOCS = TRAINING.parents[1] / "docs" / "training.md"
TESTS = {  # beginning of the row, and who makes it happen
    "Ctrl-C": ["test_a_signal_saves_and_stops", "test_a_second_signal_does_not_wait", "test_the_command_says_that_it_can_go_on", "stops"],
    "`kill -9`": [
        "kills",
        "test_stopped_ahead_of_any_of_the_writes",
        "test_what_is_written_is_on_the_disk_before_it_takes_its_name",
    ],
    "disk or quota full": ["test_a_full_disk", "test_every_error_of_a_write_says_what_to_do"],
    "folder read-only, gone, or a file": [
        "test_a_read_only_folder",
        "test_a_folder_that_vanishes",
        "test_a_folder_with_other_files_is_refused",
    ],
    "out of memory": ["test_no_memory_left", "test_errors_of_devices_and_peers_are_told_and_others_are_not"],
    "loss or gradient NaN or infinite": [
        "test_what_is_not_finite_names_the_images_and_spoils_nothing",
        "test_a_loss_that_is_not_finite_stops_with_its_place",
        "test_a_gradient_that_is_not_finite_spoils_nothing",
        "test_weights_that_are_not_finite_are_never_saved",
    ],
    "a process that reads images dies": ["test_a_reading_process_that_dies"],
    "a broken image": ["test_a_broken_image_is_an_error_that_names_it"],
    "the same with `--set data.skip_broken=20`": [
        "test_some_broken_images_are_counted_and_left_out_where_the_recipe_allows_it",
        "test_more_broken_images_than_allowed_end_it_and_a_higher_limit_may_follow",
    ],
    "one of several processes dies": [
        "test_one_killed_ends_the_other_with_a_sentence",
        "test_a_process_that_waits_for_a_dead_one_ends_with_a_sentence",
    ],
    "a second training into the same folder": [
        "test_the_second_training_into_a_folder_is_refused",
        "test_a_killed_process_leaves_no_lock_even_if_its_children_live_on",
    ],
}


def rows() -> list[str]:
    """First cells of the table under the heading on what goes wrong."""
    text = DOCS.read_text(encoding="utf-8").split("## When something goes wrong")[1].split("\n## ")[0]
    cells = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")]
    return cells[2:]  # without the head and the line below it


def test_every_row_is_made_to_happen_and_every_such_test_has_its_row():
    found = rows()
    assert len(found) == len(TESTS)
    for row in found:
        assert sum(row.startswith(begin) for begin in TESTS) == 1, f'docs/training.md promises "{row}", which no test makes happen'


def test_the_tests_are_there():
    known = {
        node.name
        for path in [*TRAINING.glob("test_*.py"), *(TRAINING.parent / "soak").glob("prove_*.py")]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert {name for names in TESTS.values() for name in names} <= known
