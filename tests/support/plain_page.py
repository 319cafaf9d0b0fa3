"""An explorer on a plain page: the module that the notebook gets, a model with {get, set, on, off, save_changes, send}, and real packets.

What the browser asks for is answered by the widget's own handler in this process, without a kernel and without Jupyter.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from workbench.widgets import assets
from workbench.widgets.embedding import EmbeddingExplorer
from workbench.widgets.explorer import Explorer
from workbench.widgets.monitor import TrainingMonitor

PAGE = """<!DOCTYPE html><html lang="en"><head><title>Test page</title><style>body {{ margin: 0; background: #fff }} {style}</style></head>
<body><main><h1>Test page</h1><div id="explorer"></div></main></body></html>"""
HARNESS = """
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const packet = (value) => ({ ...value, data: new DataView(bytes(value.data).buffer) });
const listeners = {};
const opening = window.__opening;
for (const key of Object.keys(opening)) if (opening[key].layout) opening[key] = packet(opening[key]);
const state = { opening, view_state: window.__view, status: "", picked: new DataView(bytes(window.__picked).buffer) };
window.tell = (traits) => {
  for (const [name, value] of Object.entries(traits)) window.model.set(name, value.layout ? packet(value) : value);
};
window.saved = [];
window.asked = [];
window.model = {
  get: (name) => state[name],
  set(name, value) { state[name] = value; (listeners[`change:${name}`] || []).forEach((each) => each()); },
  save_changes() { window.saved.push(state.view_state); },
  on: (name, each) => { (listeners[name] = listeners[name] || []).push(each); },
  off: (name, each) => { listeners[name] = (listeners[name] || []).filter((other) => other !== each); },
  async send(question) {
    window.asked.push(question);
    const { message, data } = await window.kernel(question);
    (listeners["msg:custom"] || []).forEach((each) => each(message, data ? [new DataView(bytes(data).buffer)] : []));
  },
};
window.tell(window.__more || {});
window.listeners = () => Object.values(listeners).reduce((total, each) => total + each.length, 0);
window.show = (el) => render({ model: window.model, el });
window.close_explorer = window.show(document.getElementById("explorer"));
"""


def open_explorer(page: Any, explorer: Explorer, kind: str = "attention") -> None:
    """Show `explorer` on `page` and wait until its first picture is drawn."""
    _open(page, explorer, kind)
    if kind == "attention":
        wait_drawn(page)
    else:
        page.wait_for_function("() => document.querySelector('.wb-picture[data-image]')")


def open_points(page: Any, explorer: EmbeddingExplorer) -> None:
    """Show `explorer` on `page` and wait until its points are drawn."""
    _open(page, explorer, "embedding", base64.b64encode(explorer.picked).decode())
    page.wait_for_function("() => document.querySelector('.wb-embedding .wb-status')?.textContent")


def open_lab(page: Any, lab: Explorer, kind: str = "thresholds") -> None:
    """Show a threshold lab, or another `kind` of explorer, on `page` and wait until its numbers stand there."""
    _open(page, lab, kind)
    page.wait_for_function("() => document.querySelector('.wb-explorer .wb-status')?.textContent")


def open_monitor(page: Any, monitor: TrainingMonitor) -> None:
    """Show a training monitor on `page` and wait until its state stands there."""
    page.evaluate("(more) => { window.__more = more; }", _text({"facts": monitor.facts, "series": monitor.series}))
    _open(page, monitor, "monitor")
    page.wait_for_function("() => document.querySelector('.wb-explorer .wb-status')?.textContent")


def tell_monitor(page: Any, monitor: TrainingMonitor) -> None:
    """Give the page what the monitor knows by now, as the kernel would."""
    page.evaluate("(more) => window.tell(more)", _text({"series": monitor.series, "facts": monitor.facts}))


def _open(page: Any, explorer: Explorer, name: str, picked: str = "") -> None:
    page.expose_function("kernel", lambda question: answer(explorer, question))
    page.set_content(PAGE.format(style=assets.style_sheet(name)))
    page.evaluate(
        "([opening, view, picked]) => { window.__opening = opening; window.__view = view; window.__picked = picked; }",
        [_text(explorer.opening), explorer.view_state, picked],
    )
    page.add_script_tag(type="module", content=assets.module_text(name) + HARNESS)


def wait_drawn(page: Any) -> None:
    """Wait until the panes show the image in view."""
    page.wait_for_function(
        "() => document.querySelector('.wb-panes:not(.wb-waiting) canvas') && document.querySelector('.wb-legend').textContent"
    )


def answer(explorer: Explorer, question: dict[str, Any]) -> dict[str, Any]:
    """What the widget sends for a question of the browser, as JSON."""
    sent: list[dict[str, Any]] = []

    def keep(message: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        sent.append({"message": message, "data": base64.b64encode(buffers[0]).decode() if buffers else None})

    explorer.send = keep  # type: ignore[method-assign, assignment]
    explorer._answer(explorer, question, [])
    return sent[0]


def _text(opening: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(opening, default=lambda data: base64.b64encode(data).decode()))
