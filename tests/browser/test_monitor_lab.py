"""The training monitor in a real JupyterLab: a real training is started, stopped, resumed, watched over a reload and finished."""

import os
import signal

import pytest

from tests.support.jupyter import write_notebook
from workbench.following import Following

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CELLS = [
    # A still picture that is drawn anew makes the notebook unsaved, and the browser would ask before it reloads the page.
    "from workbench.widgets import TrainingMonitor, monitor as module\nmodule.STILL_EVERY = 1e9",
    "monitor = TrainingMonitor('scenes-pooled', {settings}, folder='run')\nmonitor",
]
SETTINGS = {"stages.all.epochs": 3000, "data.options.count": 64, "data.validation_options.count": 32, "image_size": 32}


def wait_state(page, *states, timeout=90_000):
    page.wait_for_function(
        "(states) => states.includes(document.querySelector('.wb-badge')?.dataset.state)", arg=list(states), timeout=timeout
    )


def press(page, name):
    page.locator(".wb-explorer").get_by_role("button", name=name).click()


def wait_epochs(page, count, timeout=90_000):
    """Until so many epochs are finished, as the status line says."""
    page.wait_for_function(
        "(count) => Number(/; (\\d+) of/.exec(document.querySelector('.wb-explorer .wb-status')?.textContent)?.[1]) >= count",
        arg=count,
        timeout=timeout,
    )


@pytest.fixture
def folder(lab):
    """The run folder; whatever happens, no training is left running."""
    yield lab.folder / "run"
    if pid := Following(lab.folder / "run").facts()["pid"]:
        os.kill(pid, signal.SIGKILL)


def test_start_stop_resume_reload_and_finish(page, lab, folder):
    pytest.importorskip("torch")
    write_notebook(lab.folder / "monitor.ipynb", [cell.format(settings=SETTINGS) for cell in CELLS])
    lab.open(page, "monitor.ipynb")
    lab.run_all(page)
    wait_state(page, "new")
    press(page, "▶ Start")
    wait_state(page, "starting", "training")
    wait_epochs(page, 2)
    assert page.locator(".wb-lines polyline").count() >= 2, "the curves have a line"
    page.wait_for_selector(".wb-probe[data-drawn]", timeout=90_000)
    assert page.locator(".wb-probe-card").count() == 8
    assert page.locator(".wb-scores-list tbody tr").count() == len(Following(folder).header(1)["categories"])

    press(page, "■ Stop and save")
    wait_state(page, "stopped")
    kept = len(Following(folder).history())
    assert Following(folder).facts()["pid"] == 0
    press(page, "▶ Resume")
    wait_state(page, "training")
    pid = Following(folder).facts()["pid"]
    wait_epochs(page, kept + 1)

    tiles = [tile.bounding_box() for tile in page.locator(".wb-tiles > div").all()]
    assert len({round(tile["y"]) for tile in tiles[:3]}) == 1, "the page's own style sheet does not pull them apart"

    lab.save(page)
    page.reload()
    wait_state(page, "training")
    assert Following(folder).facts()["pid"] == pid, "the reload did not touch the training"
    before = len(Following(folder).history())
    wait_epochs(page, before + 1)
    page.wait_for_selector(".wb-probe[data-drawn]", timeout=90_000)

    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    for _ in range(600):
        if len(Following(folder).history()) >= before + 2:
            break
        page.wait_for_timeout(100)
    assert Following(folder).facts()["pid"] == pid, "neither did an interrupt and a restart of the kernel"
    lab.run_all(page)
    wait_state(page, "training")
    press(page, "■ Stop and save")
    wait_state(page, "stopped")
    lab.shut_down_kernel(page)
    page.watch.waive("the kernel is gone")
    page.watch.waive("the kernel did not live to answer the debugger")


def test_a_training_that_finishes(page, lab):
    pytest.importorskip("torch")
    settings = {**SETTINGS, "stages.all.epochs": 2}
    write_notebook(lab.folder / "short.ipynb", [CELLS[0], CELLS[1].format(settings=settings).replace("'run'", "'short'")])
    lab.open(page, "short.ipynb")
    lab.run_all(page)
    press(page, "▶ Start")
    wait_state(page, "done")
    assert page.locator(".wb-explorer .wb-status").inner_text().startswith("finished; 2 of 2 epochs finished, validation mAP")
    assert not page.locator(".wb-do").is_visible()
    lab.shut_down_kernel(page)
    page.watch.waive("the kernel is gone")


def test_a_recipe_that_does_not_exist_is_a_sentence(page, lab):
    pytest.importorskip("torch")
    write_notebook(lab.folder / "wrong.ipynb", [CELLS[0], "TrainingMonitor('scenes-poled', folder='wrong')"])
    lab.open(page, "wrong.ipynb")
    lab.run_all(page)
    press(page, "▶ Start")
    wait_state(page, "failed")
    assert 'There is no recipe "scenes-poled". Did you mean "scenes-pooled"?' in page.locator(".wb-warning").inner_text()
    lab.shut_down_kernel(page)
    page.watch.waive("the kernel is gone")
