"""The rules of the guided notebooks, as far as a machine can check them. The files are read as they are shipped: executed."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from tests.notebooks.conftest import ROOT
from workbench.lessons import LESSONS, lesson
from workbench.lessons.execute import LIVE, answered, read_notebook

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LARGEST = 1.5e6  # bytes
LINES, WIDTH = 25, 100  # of a code cell; wider ones are cut off in JupyterLab
OWN = {"own-model", "train-explore"}  # explorers of the reader's own model: there is no answer to predict
PLACES = re.compile("|".join(["/" + "home/", "/" + "Users/", "/" + "tmp/", "/" + "root/", r"\b[A-Z]:\\\\"]))
MEANT = {"0.5", "0.1", "0.15", "95 %"}  # a threshold, how near a guess has to be, the kind of interval


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request) -> Path:
    return request.param


@pytest.fixture
def notebook(path):
    return read_notebook(path)


def code(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def html_outputs(notebook) -> list[str]:
    return [str(output.data["text/html"]) for cell in code(notebook) for output in cell.outputs if "text/html" in output.get("data", {})]


def explores(cell) -> bool:
    return "Explorer(" in cell.source


def test_every_lesson_has_a_notebook():
    assert {path.stem for path in NOTEBOOKS} == set(LESSONS)


def test_format_and_cell_ids(notebook):
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    for identifier in ids:
        assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", identifier), identifier
        assert not re.fullmatch(r"[0-9a-f]{8}", identifier), f"{identifier} looks like a random id"


def test_cells_are_short(notebook):
    for cell in code(notebook):
        lines = cell.source.splitlines()
        assert len(lines) <= LINES, f"{cell.id} has {len(lines)} lines"
        assert not [line for line in lines if len(line) > WIDTH], f"{cell.id} has a line of more than {WIDTH} characters"


def test_an_explorer_within_three_code_cells(notebook):
    assert any(explores(cell) for cell in code(notebook)[:3])


def test_a_question_before_each_explorer(notebook):
    asked = False
    for cell in code(notebook):
        asked = asked or "check.q" in cell.source
        if explores(cell) and cell.id not in OWN:
            assert asked, f"no question stands before the explorer {cell.id}"
            asked = False


def test_shipped_executed_and_clean(path, notebook):
    assert path.stat().st_size < LARGEST
    assert "widgets" not in notebook.metadata
    counts = [cell.execution_count for cell in code(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "run it from start to end: python -m workbench.lessons.execute"
    for cell in code(notebook):
        for output in cell.outputs:
            assert output.output_type != "error", cell.id
            assert output.get("name") != "stderr", f"{cell.id} complains: {output.get('text')}"
            assert LIVE not in output.get("data", {}), f"{cell.id} ships a live widget, which shows nothing without a kernel"
        if explores(cell) and cell.id != "train-explore":
            assert any("workbench-snapshot" in str(output.get("data", {}).get("text/html")) for output in cell.outputs), cell.id


def test_questions_are_shipped_open(notebook):
    for cell in code(notebook):
        if "check.q" in cell.source:
            assert "= ..." in cell.source, cell.id
            assert "Not answered yet" in str(cell.outputs[0].data["text/plain"])


def test_nothing_of_one_machine(path):
    assert not PLACES.search(path.read_text("utf-8"))


class Images(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.without = 0

    def handle_starttag(self, tag, attributes):
        self.without += tag == "img" and not (dict(attributes).get("alt") or "").strip()


def test_pictures_have_a_text_alternative(notebook):
    for text in [*html_outputs(notebook), *(cell.source for cell in prose(notebook))]:
        reader = Images()
        reader.feed(text)
        assert not reader.without
        assert "![](" not in text
    for cell in code(notebook):
        bare = [output for output in cell.outputs if any(kind.startswith("image/") for kind in output.get("data", {}))]
        assert not bare, f"{cell.id} shows a picture without words; use show_picture"


def test_opens_as_it_should(notebook):
    text = notebook.cells[0].source
    assert text.startswith("# ")
    aims = re.search(r"\*\*You will be able to\*\*\n\n((?:- .+\n)+)", text).group(1).splitlines()
    assert len(aims) == 3
    assert all(re.match(r"- \*\w+\*", aim) for aim in aims), "each aim begins with a verb in italics"
    for part in ("**Time:**", "**You need:**", "[Back: ", "[Next: "):
        assert part in text, part


def test_ends_as_it_should(notebook):
    text = "\n".join(cell.source for cell in prose(notebook)[-2:])
    for heading in ("## Summary", "## Three exercises", "## What this does not show", "## References"):
        assert heading in text, heading
    for number, kind in enumerate(("Recall", "Change one thing", "Open"), start=1):
        assert f"{number}. **{kind}.**" in text
    for part in ("For instructors", "Misconceptions", "Ten minutes", "Forty-five minutes", "[Back: ", "[Next: "):
        assert part in text, part


def test_links_lead_somewhere(path, notebook):
    for cell in prose(notebook):
        for target in re.findall(r"\]\(([^)#]+)\)", cell.source):
            if not target.startswith("https://"):
                assert (path.parent / target).is_file(), f"{cell.id} links to {target}"


def test_no_measured_number_in_prose(notebook):
    """Results are computed or read from a study; what may stand in prose are definitions."""
    for cell in prose(notebook):
        text = re.sub(r"https?://\S+|arXiv [\d.]+|`[^`]*`|\$[^$]*\$|```.*?```", " ", cell.source, flags=re.DOTALL)
        found = set(re.findall(r"\d+\.\d+|\d+(?:\.\d+)? ?%", text)) - MEANT
        assert not found, f"{cell.id} quotes {found}"


@pytest.mark.parametrize("name", sorted(LESSONS))
def test_every_question_is_asked_checked_and_solved(name):
    notebook = read_notebook(ROOT / "notebooks" / f"{name}.ipynb")
    asked = [cell.id for cell in code(notebook) if re.search(r"check\.q\d+\(", cell.source)]
    kind = lesson_class(name)
    assert asked == [f"q{number}" for number in range(1, len(asked) + 1)]
    assert sorted(kind.solutions(), key=lambda question: int(question[1:])) == asked
    assert [name for name in dir(kind) if re.fullmatch(r"q\d+", name)] == sorted(asked)
    for entry in kind.solutions().values():
        compile(entry["answer"], "answer", "eval")
        assert entry["why"]
    answered(notebook, kind.solutions())


def lesson_class(name: str):
    import importlib

    module, kind = LESSONS[name]
    return getattr(importlib.import_module(module), kind)


def test_an_unknown_lesson_is_told_the_nearest_one():
    with pytest.raises(Exception, match='Did you mean "01_srn"'):
        lesson("01_snr")
