"""The table of front ends in the documents says what the tests try, no more."""

from __future__ import annotations

from pathlib import Path

from tests.support.front_ends import COLUMNS, FRONT_ENDS, MOST, PAGE, with_table

HERE = Path(__file__).parent


def test_the_page_has_the_table_of_the_tests():
    text = PAGE.read_text(encoding="utf-8")
    assert with_table(text) == text, "python -m tests.support.front_ends writes it anew"


def test_each_row_is_tried_where_it_says():
    for name, front in FRONT_ENDS.items():
        text = (HERE / front.tests).read_text(encoding="utf-8")
        assert "FRONT_ENDS" in text
        assert f'"{name}"' in text or (front.simulated and "simulated" in text), f"{front.tests} does not name {name}"


def test_few_cells_cannot_be_and_each_says_why():
    reasons = [reason for front in FRONT_ENDS.values() for reason in front.cannot.values()]
    assert len(reasons) <= MOST
    assert all(reason.startswith("no: ") and len(reason) > 15 for reason in reasons)
    assert all(set(front.cannot) <= set(COLUMNS) for front in FRONT_ENDS.values())


def test_what_was_not_run_is_said_to_be_simulated():
    readme = (PAGE.parents[1] / "README.md").read_text(encoding="utf-8")
    for name in (name for name, front in FRONT_ENDS.items() if front.simulated):
        assert f"{name}: *simulated, not run*" in PAGE.read_text(encoding="utf-8")
        sentence = next(line for line in readme.splitlines() if "docs/frontends.md" in line)
        assert name in sentence
        assert "simulated, not run" in sentence
