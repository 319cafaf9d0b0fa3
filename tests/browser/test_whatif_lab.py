"""The what-if panel in a real JupyterLab against a live kernel: torch answers, the edit reaches Python, a reload keeps it."""

import json

import pytest

from tests.support.bench import OPEN, bench_notebook, draw

pytestmark = pytest.mark.browser


def value_of(page, code):
    """Run `code` in the notebook's kernel and return what it evaluates to, by way of JSON."""
    text = page.evaluate(
        """async (code) => {
          const panel = window.jupyterapp.shell.currentWidget;
          const expressions = { it: `json.dumps(${code})` };
          const code_before = "import json\\nfrom workbench.widgets.asked import Question";
          const kernel = panel.sessionContext.session.kernel;
          const future = kernel.requestExecute({ code: code_before, user_expressions: expressions });
          return (await future.done).content.user_expressions.it.data["text/plain"];
        }""",
        code,
    )
    return json.loads(text.strip("'"))


def test_edits_are_answered_by_the_kernel(page, lab):
    pytest.importorskip("torch")
    bench_notebook(lab.folder / "bench.ipynb", size=32, threads=1)
    lab.open(page, "bench.ipynb")
    lab.run_all(page, timeout=120_000)
    page.wait_for_function(OPEN)
    times = [draw(page, "box", (0.1, 0.1), (0.5 + 0.05 * place, 0.6)) for place in range(3)]
    assert all(each["answered"] > 0 and each["total"] > 0 for each in times), times
    assert "answered in" in page.inner_text(".wb-status")
    page.wait_for_timeout(400)
    assert [edit["do"] for edit in value_of(page, "explorer.view_state['edits'][explorer.image]")] == ["box"] * 3
    things = value_of(page, "explorer._packet(Question({'ask': 'whatif', 'image': 0, 'edits': []}))['things']")
    x0, y0, x1, y1 = things[-1]["box"]
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    draw(page, "move", middle, (0.5, 0.5))
    page.wait_for_timeout(400)
    edits = value_of(page, "explorer.view_state['edits'][explorer.image]")
    assert edits[-1]["do"] == "move"
    assert edits[-1]["by"] == pytest.approx([0.5 - middle[0], 0.5 - middle[1]], abs=0.01)
    shown = page.inner_text(".wb-beforeafter tbody")
    lab.save(page)
    page.reload()
    page.wait_for_function(OPEN, timeout=30_000)
    assert page.inner_text(".wb-beforeafter tbody") == shown, "a reload keeps the edits, and the kernel answers again"
    assert page.inner_text(".wb-edits").startswith("4 edits")
    lab.shut_down_kernel(page)
    page.watch.waive("the kernel is gone")
