"""Pages by the rules of the widget hosts of VS Code and Colab, replayed; neither program runs here.

VS Code shows all outputs of a notebook in one frame, names its theme by a class of the body, gives its colours as `--vscode-*`, and passes
the keys that bubble up to the window on to the editor. Colab has a frame of another origin for each cell and names its theme by an
attribute of the root; here the frame may not even have storage. Both bring a widget manager and a style sheet of their own, know nothing of
JupyterLab's theme, and speak JSON with the kernel, buffers in base64. The kernel's side is ipywidgets itself: the messages of real
explorers, taken at `comm`.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from tests.support import everywhere

MANAGER = """
const models = new Map();
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
function apart(text) {  // one of many buffers that came in one piece
  const bytes = new Uint8Array(bytesOf(text));
  const piece = new Uint8Array(bytes.length + 3);
  piece.set(bytes, 3);
  return new DataView(piece.buffer, 3);
}
async function there(name) {  // a new frame may run before it is given its way out
  while (!window[name]) await new Promise((done) => setTimeout(done, 20));
  return window[name];
}
class Model {
  state = {};
  changed = {};
  heard = new Map();
  constructor(id) { this.id = id; }
  get(name) { return this.state[name]; }
  set(name, value) { if (this.put(name, value)) this.changed[name] = value; }
  put(name, value) {
    if (JSON.stringify(this.state[name]) === JSON.stringify(value) && typeof value !== "object") return false;
    this.state[name] = value;
    this.tell(`change:${name}`);
    return true;
  }
  on(name, call) { this.heard.set(name, [...(this.heard.get(name) || []), call]); }
  off(name, call) { this.heard.set(name, (this.heard.get(name) || []).filter((each) => each !== call)); }
  tell(name, ...values) { for (const call of this.heard.get(name) || []) call(...values); }
  save_changes() {
    const state = this.changed;
    this.changed = {};
    if (Object.keys(state).length) this.post({ method: "update", state, buffer_paths: [] });
  }
  send(content) { this.post({ method: "custom", content }); }
  async post(data) {
    const kernel = await there("to_kernel");
    receive(await kernel(JSON.stringify({ comm_id: this.id, data })));
  }
  receive({ method, content, state, buffer_paths }, texts) {
    const buffers = texts.map(window.APART ? apart : bytesOf);
    if (method === "custom") return this.tell("msg:custom", content, buffers);
    if (method !== "update" && method !== "open") return undefined;
    buffer_paths.forEach((path, place) => {
      const last = path.pop();
      const buffer = buffers[place];
      path.reduce((node, key) => node[key], state)[last] = buffer instanceof DataView ? buffer : new DataView(buffer);
    });
    for (const [name, value] of Object.entries(state)) this.put(name, value);
    return undefined;
  }
}
function receive(text) {
  for (const { comm_id, data, buffers } of JSON.parse(text)) models.get(comm_id)?.receive(data, buffers);
}
window.view = async (id, el) => {  // what an output of the widget's type becomes
  if (!models.has(id)) {
    models.set(id, new Model(id));
    await models.get(id).post({ method: "request_state" });
  }
  const model = models.get(id);
  if (!model.state._esm) return void el.append("Error: model not found");
  const style = document.createElement("style");
  style.textContent = model.state._css;
  document.head.append(style);
  const url = URL.createObjectURL(new Blob([model.state._esm], { type: "text/javascript" }));
  await (await import(url)).default.render({ model, el });
};
"""
WIDGETS = """
.widget-hbox { display: flex; flex-direction: row; align-items: stretch; overflow: auto; }
.widget-tab > * { box-sizing: border-box; border: 1px solid gray; padding: 15px; overflow: auto; }
.widget-tab > [hidden] { display: none; }
"""
FRAME = """<!DOCTYPE html><html lang="en" {root}><head><meta charset="utf-8"><style>{style}{widgets}</style></head><body {body}>{cells}
<script>window.APART = {apart}; {finder}</script><script type="module">{manager}
for (const el of document.querySelectorAll("[data-model]")) await window.view(el.dataset.model, el);
const pass = ({{ type, key, ctrlKey }}) => parent.postMessage({{ type, key, ctrl: ctrlKey }}, "*");
for (const type of ["keydown", "keyup", "keypress"]) {where}.addEventListener(type, pass, {capture});
</script></body></html>"""
CELL = """<div class="output_container"><div class="output" data-model="{id}"></div></div><div class="output_container">
<div class="output">{still}</div></div><div class="widget-hbox"><div data-model="{id}"></div><div><p>notes beside it</p></div></div>
<div class="widget-tab"><div hidden><div data-model="{id}"></div></div></div>"""
EDITOR = """<!DOCTYPE html><html lang="en"><head><style>body {{ margin: 0; background: {paint}; }} iframe {{ display: block; border: 0;
width: 1000px; height: {height}px; margin-left: 40px; }}</style></head><body>{frames}<script>window.keys = [];
window.addEventListener("message", ({{ data }}) => window.keys.push(data));</script></body></html>"""


@dataclass(frozen=True)
class Host:
    """What one host puts around explorers. `dark` is what it does to its frame when the reader changes the theme."""

    style: str
    root: str
    body: str
    dark: str
    listens: tuple[str, str]  # where it hears keys, and whether on their way down
    together: bool  # one frame for all cells
    sandbox: str


HOSTS = {
    "VS Code": Host(
        style="""html { --vscode-editor-background: #ffffff; --vscode-foreground: #3b3b3b; --vscode-font-family: sans-serif; }
        html.night { --vscode-editor-background: #1f1f1f; --vscode-foreground: #cccccc; color-scheme: dark; }
        body { margin: 0; background: transparent; color: var(--vscode-foreground); font: 13px var(--vscode-font-family); }
        table { border-collapse: collapse; border: none; font-size: 12px; } td, th { padding: 0.5em; text-align: right; }
        img, svg { max-width: 100%; max-height: 100%; } a { color: #3794ff; }""",
        root="",
        body='class="vscode-light" data-vscode-theme-kind="vscode-light"',
        dark="""() => { document.body.className = "vscode-dark"; document.body.dataset.vscodeThemeKind = "vscode-dark";
        document.documentElement.className = "night"; }""",
        listens=("window", "false"),
        together=True,
        sandbox="allow-scripts allow-same-origin allow-forms allow-downloads",
    ),
    "Colab": Host(
        style="""html { --colab-primary-text-color: #212121; } html[theme=dark] { --colab-primary-text-color: #d5d5d5; }
        body { margin: 0; font: 14px Roboto, sans-serif; color: var(--colab-primary-text-color); overflow-x: auto; }
        table { border-collapse: collapse; } td, th { padding: 4px 8px; }""",
        root='theme="light"',
        body="",
        dark="() => { document.documentElement.setAttribute('theme', 'dark'); }",
        listens=("document", "true"),
        together=False,
        sandbox="allow-scripts allow-forms allow-downloads",
    ),
}


class Comm:
    """A comm as ipywidgets takes it; what it sends waits for the page as JSON."""

    kernel = "replayed"

    def __init__(self, kernel: Kernel, comm_id: str, data: Any, buffers: Any) -> None:
        self.kernel_side, self.comm_id, self.hear = kernel, comm_id, None
        self.send({"method": "open", **data}, buffers=buffers)

    def on_msg(self, hear: Any) -> None:
        self.hear = hear

    def send(self, data: Any, metadata: Any = None, buffers: Any = None) -> None:
        texts = [base64.b64encode(bytes(buffer)).decode() for buffer in buffers or []]
        self.kernel_side.leaving.append({"comm_id": self.comm_id, "data": data, "buffers": texts})

    def close(self, *_: Any) -> None:
        self.kernel_side.comms.pop(self.comm_id, None)


class Kernel:
    """The comms of this process, instead of a kernel's."""

    def __init__(self) -> None:
        self.comms: dict[str, Comm] = {}
        self.leaving: list[dict[str, Any]] = []

    def create(self, target_name: str, data: Any, metadata: Any, buffers: Any, comm_id: str = "") -> Comm:
        comm_id = comm_id or f"model-{len(self.comms)}"
        self.comms[comm_id] = Comm(self, comm_id, data, buffers)
        return self.comms[comm_id]

    def hear(self, text: str) -> str:
        """Take a message of the page; gives what the kernel sent meanwhile."""
        message = json.loads(text)
        comm = self.comms.get(message["comm_id"])
        if comm is not None and comm.hear is not None:
            comm.hear({"content": {"data": message["data"]}, "buffers": []})
        return self.sent()

    def sent(self) -> str:
        """All that waits for the page, in a form that JSON has: no NaN, no other types."""
        waiting, self.leaving = self.leaving, []
        return json.dumps(waiting, allow_nan=False)


@contextmanager
def replayed_kernel() -> Iterator[Kernel]:
    kernel = Kernel()
    with mock.patch("comm.create_comm", kernel.create):
        yield kernel


def editor(host: Host, cells: dict[str, tuple[str, str]], paint: str = "#ffffff") -> str:
    """The host's page: {name: (model id, still picture)} in one frame or in one each."""
    shown = {name: CELL.format(id=model, still=still) for name, (model, still) in cells.items()}
    where, capture = host.listens
    pages = {"all": "".join(shown.values())} if host.together else shown
    frames = ""
    for name, inner in pages.items():
        page = FRAME.format(
            root=host.root, body=host.body, style=host.style, widgets=WIDGETS, cells=inner, apart=str(host.together).lower(),
            finder=everywhere.FINDER, manager=MANAGER, where=where, capture=capture,
        )  # fmt: skip
        frames += f'<iframe name="{name}" sandbox="{host.sandbox}" srcdoc="{html.escape(page)}"></iframe>'
    return EDITOR.format(frames=frames, paint=paint, height=1000)
