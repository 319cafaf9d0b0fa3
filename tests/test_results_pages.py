"""The tables in README.md and studies/README.md say what the studies say."""

import pytest

from benchmarks.tables import PAGES, TABLES, filled


@pytest.mark.parametrize("page", PAGES, ids=["front", "studies"])
def test_the_tables_are_those_of_the_studies(page):
    text = page.read_text()
    assert text == filled(text), "run `python -m benchmarks.tables`"


def test_every_table_stands_on_a_page():
    text = "".join(page.read_text() for page in PAGES)
    assert all(f"<!-- {name} -->" in text for name in TABLES)


def test_a_changed_number_changes_the_page(tmp_path):
    (tmp_path / "atlas.json").write_text('{"summary": []}')
    text = "<!-- atlas -->\nold\n<!-- end -->\n"
    assert "old" not in filled(text, tmp_path)
    assert "| scenes |" in filled(text, tmp_path)
