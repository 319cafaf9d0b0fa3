"""A watch over every page of the browser tests: no console error, no request that leaves the machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.chromium import FLAGS, find_chromium
from tests.support.jupyter import Lab, running_lab

__all__ = ["FLAGS", "find_chromium"]
# What a page may complain about, each with the reason; a test names the one that it provokes, and anything else fails it.
WAIVED = {
    "the kernel is gone": "model not found",  # the widget manager looks for the models of a kernel that the test shut down
    # JupyterLab's debugger asks a kernel as soon as it is there; the test has restarted or ended it before the answer.
    "the kernel did not live to answer the debugger": "Could not restore the debugger state: Canceled future",
    "a picture that the test broke": "broken",  # the explorer logs beside its sentence what the browser said of the file
}
LOCAL = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:", "file:", "about:")


class Watch:
    """What a page complained about and what it asked for outside this machine."""

    def __init__(self, page) -> None:
        self.errors: list[str] = []
        self.foreign: list[str] = []
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(f"{error}"))
        page.on("dialog", lambda dialog: (self.errors.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: None if request.url.startswith(LOCAL) else self.foreign.append(request.url))

    def waive(self, why: str) -> None:
        """Forget what was logged so far for a reason of `WAIVED`."""
        self.errors[:] = [error for error in self.errors if WAIVED[why] not in error]


@pytest.fixture
def page(chromium) -> Iterator[object]:
    """A fresh page, 1400 px wide; the test fails if it logs an error or asks for anything outside this machine."""
    context = chromium.new_context(viewport={"width": 1400, "height": 1200}, reduced_motion="reduce")
    page = context.new_page()
    page.watch = Watch(page)
    yield page
    context.close()
    assert not page.watch.errors, page.watch.errors
    assert not page.watch.foreign, page.watch.foreign


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[Lab]:
    """A running JupyterLab on an empty folder."""
    with running_lab(tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")) as lab:
        yield lab
