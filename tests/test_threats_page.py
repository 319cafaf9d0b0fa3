"""docs/threats.md: every promise names a test that exists and tests something, and every row says what is not promised."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "threats.md").read_text()
ROWS = [row for row in re.findall(r"^\|(.+)\|$", PAGE, re.MULTILINE) if "`tests/" in row]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[0].strip()[:40])
def test_each_promise_has_its_test(row):
    cells = [cell.strip() for cell in row.split("|")]
    assert all(cells), f"an empty cell in: {row}"
    for name in re.findall(r"`(tests/[\w/]+\.py)`", row):
        text = (ROOT / name).read_text()
        assert "assert" in text or "raises" in text, f"{name} tests nothing"


def test_the_rows_were_found():
    assert len(ROWS) >= 20


def test_its_links_lead_somewhere():
    for target in re.findall(r"\]\(([\w./-]+)\)", PAGE):
        assert (ROOT / "docs" / target).is_file(), target
