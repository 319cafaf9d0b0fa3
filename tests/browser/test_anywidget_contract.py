"""What explorers take for granted of anywidget in a browser, by name: where a newer one changes it, the test says what it was.

The module's default export is ``{ initialize, render }``; the model has get, set, save_changes, send, on and off, with "change:<name>" and
"msg:custom" as events; what render returns is called when the view goes. Python's side is in tests/widgets/test_packages_by_name.py.
"""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest

from tests.support.jupyter import write_notebook

pytestmark = pytest.mark.browser
CHANGED = f"anywidget {version('anywidget')} changed its contract: "
MODULE = """
const log = [];
window.contract = { log };
export default {
  initialize({ model }) {
    log.push(`initialised with ${typeof model.get}`);
  },
  render({ model, el }) {
    log.push(`rendered into ${el instanceof HTMLElement} and in the page soon ${typeof el.append}`);
    const bytes = model.get("bytes");
    log.push(`got ${model.get("value")} ${JSON.stringify(model.get("table"))} ${bytes instanceof DataView} ${bytes.getUint8(1)}`);
    const heard = (content, buffers) => {
      log.push(`heard ${content.word} ${buffers.length} ${buffers[0] instanceof DataView} ${buffers[0].getUint8(0)}`);
    };
    const changed = () => log.push(`changed to ${model.get("value")}`);
    model.on("msg:custom", heard);
    model.on("change:value", changed);
    window.contract.save = () => {
      model.set("value", 7);
      model.set("bytes", new DataView(new Uint8Array([9, 8]).buffer));
      model.save_changes();
      model.send({ ask: "image" });
    };
    window.contract.deaf = () => {
      model.off("msg:custom", heard);
      model.off("change:value", changed);
    };
    return () => log.push("cleaned up");
  },
};
"""
WIDGET = f"""
import anywidget, traitlets
class Contract(anywidget.AnyWidget):
    _esm = {MODULE!r}
    value = traitlets.Int(3).tag(sync=True)
    table = traitlets.Dict({{"a": [1]}}).tag(sync=True)
    bytes = traitlets.Bytes(b"\\x01\\x02").tag(sync=True, from_json=lambda value, _: bytes(value))
heard = []
widget = Contract()
widget.on_msg(lambda widget, content, buffers: heard.append(content))
widget
"""


def waited(page, text: str, broken: str) -> None:
    """Until the module has logged `text`; else the sentence about what is broken."""
    try:
        page.wait_for_function("(text) => window.contract?.log.includes(text)", arg=text, timeout=20_000)
    except Exception:
        pytest.fail(f"{CHANGED}{broken} The module logged {page.evaluate('() => window.contract?.log')}.")


def evaluated(page, code: str) -> str:
    """What an expression is in the notebook's kernel."""
    return page.evaluate(
        """async (code) => {
          const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
          const done = await kernel.requestExecute({ code: "", user_expressions: { it: code } }).done;
          return done.content.user_expressions.it.data["text/plain"];
        }""",
        code,
    )


def executed(page, code: str) -> None:
    page.evaluate(
        "async (code) => { await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code }).done; }", code
    )


def test_the_module_and_its_model(page, lab):
    write_notebook(lab.folder / "contract.ipynb", [WIDGET])
    lab.open(page, "contract.ipynb")
    lab.run_all(page)
    waited(page, "rendered into true and in the page soon function", "render of the default export is not called with { model, el }.")
    waited(page, "initialised with function", "initialize of the default export is not called with { model }.")
    waited(page, 'got 3 {"a":[1]} true 2', "model.get does not give numbers, objects and bytes (as a DataView).")

    executed(page, "widget.value = 5")
    waited(page, "changed to 5", 'model.on("change:value") does not hear of a change in Python.')
    executed(page, "widget.send({'word': 'hello'}, buffers=[b'\\x2a'])")
    waited(page, "heard hello 1 true 42", 'model.on("msg:custom") does not get (content, buffers of DataView).')

    page.evaluate("() => window.contract.save()")
    for _ in range(100):
        if evaluated(page, "(widget.value, bytes(widget.bytes), heard)") == "(7, b'\\t\\x08', [{'ask': 'image'}])":
            break
        page.wait_for_timeout(100)
    found = evaluated(page, "(widget.value, bytes(widget.bytes), heard)")
    assert found == "(7, b'\\t\\x08', [{'ask': 'image'}])", f"{CHANGED}model.set, save_changes and send do not reach Python, but {found}."

    page.evaluate("() => window.contract.deaf()")
    before = page.evaluate("() => window.contract.log.length")
    executed(page, "widget.value = 6; widget.send({'word': 'again'}, buffers=[b'x'])")
    page.wait_for_timeout(500)
    log = page.evaluate("() => window.contract.log")
    assert len(log) == before, f"{CHANGED}model.off does not end what model.on began: {json.dumps(log[before:])}."

    lab.command(page, "notebook:clear-all-cell-outputs")
    waited(page, "cleaned up", "what render returns is not called when the view goes, so explorers would keep listening.")
    lab.save(page)
    lab.shut_down_kernel(page)
    page.goto("about:blank")
    page.watch.waive("the kernel is gone")
