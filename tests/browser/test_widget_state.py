"""Script in the saved widget state of a notebook: found, told from our own, taken out, and kept from running in `workbench lab`."""

import copy
import json
import sys

import pytest

from tests.support.jupyter import running_lab
from workbench.cli import main
from workbench.errors import WorkbenchError
from workbench.widget_state import MIME, read_notebook, scripts, without_scripts
from workbench.widgets import assets

HOSTILE = "window.__ran = 'at import'; export default { initialize() { window.__ran = 'in initialize'; }, render() {} };"


def model(script, **more):
    """A widget model as anywidget saves it."""
    state = {"_esm": script, "_anywidget_id": "package.Widget", "_model_module": "anywidget", "_model_name": "AnyModel", **more}
    return {"model_name": "AnyModel", "model_module": "anywidget", "model_module_version": "~0.11.0", "state": state}


def notebook(*models, key=MIME):
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "Text"}
    state = {f"model-{place}": entry for place, entry in enumerate(models)}
    bundle = {"state": state, "version_major": 2, "version_minor": 0}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": [cell], "metadata": {"kernelspec": kernel, "widgets": {key: bundle}}, "nbformat": 4, "nbformat_minor": 5}


def test_each_script_is_named():
    layout = {"model_name": "LayoutModel", "model_module": "@jupyter-widgets/base", "state": {"width": "10px"}}
    found = scripts(notebook(layout, model(HOSTILE), model("other", _anywidget_id="")))
    assert [(each.model, each.origin, each.bytes) for each in found] == [
        ("model-1", "package.Widget", len(HOSTILE)),
        ("model-2", "anywidget", 5),
    ]
    assert len({each.digest for each in found}) == 2


def test_script_that_hides_is_found():
    assert scripts(notebook(model(HOSTILE), key="application/vnd.jupyter.widget-state+json; v=2"))
    assert scripts(notebook(model({"a": "module as an object"})))
    assert scripts(notebook(model("\ud800 lone surrogate")))
    old = notebook(model(HOSTILE))
    old["metadata"]["widgets"] = old["metadata"]["widgets"][MIME]
    assert scripts(old)


@pytest.mark.parametrize("kind", sorted(assets.MODULES))
def test_our_own_explorers_are_not_reported_and_one_letter_more_is(kind):
    own = {assets.module_text(each) for each in assets.MODULES}
    assert not scripts(notebook(model(assets.module_text(kind))), own)
    assert scripts(notebook(model(assets.module_text(kind) + " ")), own)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"widgets": None},
        {"widgets": []},
        {"widgets": {MIME: 3}},
        {"widgets": {MIME: {"state": []}}},
        {"widgets": {MIME: {"state": {"a": 1}}}},
    ],
)
def test_odd_metadata_brings_no_script(metadata):
    assert scripts({"metadata": metadata}) == []


def test_taking_it_out_leaves_the_cells():
    hostile = notebook(model(HOSTILE))
    before = copy.deepcopy(hostile)
    cleaned = without_scripts(hostile)
    assert hostile == before
    assert cleaned["cells"] == before["cells"]
    assert "widgets" not in cleaned["metadata"]
    harmless = notebook({"model_name": "LayoutModel", "state": {"width": "1px"}})
    assert without_scripts(harmless) == harmless


def test_check_says_it_and_strip_mends_it(tmp_path, capsys):
    path = tmp_path / "foreign.ipynb"
    path.write_text(json.dumps(notebook(model(HOSTILE, _anywidget_id="evil\x1b[31m"))))
    assert main(["data", "check", str(path)]) == 2
    said = capsys.readouterr()
    assert "1 widget models" in said.out
    assert "\x1b" not in said.out
    assert "--strip" in said.err
    assert main(["data", "check", str(path), "--json", "--strip"]) == 0
    assert len(json.loads(capsys.readouterr().out)["scripts"]) == 1
    assert main(["data", "check", str(path)]) == 0
    assert json.loads(path.read_text())["cells"] == notebook()["cells"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["foreign.ipynb"]


@pytest.mark.parametrize(("text", "problem"), [("{", "not JSON"), ("[" * 100_000, "not JSON"), ("[]", "nbformat"), ("\xff", None)])
def test_what_is_no_notebook(tmp_path, text, problem):
    path = tmp_path / "odd.ipynb"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(WorkbenchError, match=problem or "UTF-8"):
        read_notebook(path)


def test_no_notebook_at_all(tmp_path, capsys):
    assert main(["data", "check", str(tmp_path / "none.ipynb")]) == 2
    assert main(["data", "check", "scenes", "--strip"]) == 2
    assert "--strip" in capsys.readouterr().err


def opened(page, folder, scratch, *options):
    """Open the hostile notebook in a JupyterLab and a tab of its own; what its script left in the page, or None."""
    with running_lab(folder, scratch, options) as lab, page.context.new_page() as page:
        page.goto(f"{lab.url}/lab/workspaces/tests/tree/foreign.ipynb?reset&token=tests-only")
        page.wait_for_selector(".jp-NotebookPanel .jp-Notebook .jp-Cell", timeout=60_000)
        page.wait_for_function("() => /\\|\\s*Idle/.test(document.querySelector('#jp-main-statusbar')?.textContent || '')", timeout=60_000)
        page.wait_for_timeout(1_500)
        return page.evaluate("() => window.__ran || null")


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="stops a group of processes")
def test_jupyterlab_runs_it_and_ours_does_not(page, tmp_path):
    """The first half is upstream's behaviour as we describe it: when it fails, upstream has mended it and our description goes."""
    (tmp_path / "notebooks").mkdir()
    path = tmp_path / "notebooks" / "foreign.ipynb"
    path.write_text(json.dumps(notebook(model(HOSTILE))))
    before = path.read_bytes()
    assert opened(page, tmp_path / "notebooks", tmp_path / "plain") is not None
    guarded = "--ServerApp.contents_manager_class=workbench.commands.guarded_contents.GuardedContents"
    assert opened(page, tmp_path / "notebooks", tmp_path / "guarded", guarded) is None
    assert path.read_bytes() == before
