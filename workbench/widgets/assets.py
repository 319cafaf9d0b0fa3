"""The one text that a browser gets for an explorer: shared modules and the explorer's own, joined in a stated order.

A notebook loads a module from a blob, where relative imports fail. So the files are plain ES modules for editors and checkers, and are
joined here: their import lines, comments, blanks and the word ``export`` are dropped. The same text serves the notebook,
the page tests and the exported page.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.widgets.style import STYLE

FOLDER = Path(__file__).parent / "js"
LIMIT = 125_000  # bytes of one explorer's text
MODULES = {
    "attention": (
        "halffloat", "colormaps", "dom", "host", "decisions", "packets", "announcer", "data", "state", "view", "canvas", "gallery",
        "labels", "pane", "panes", "spot", "numbers", "parts", "layers", "steps", "influence", "edits", "pen", "whatif", "help", "keyboard",
        "frame", "attention",
    ),
    "embedding": (
        "halffloat", "colormaps", "dom", "host", "decisions", "packets", "announcer", "state", "pointdata", "pointview", "marks", "raster",
        "picking", "colouring", "scatter", "player", "choosing", "pointcard", "pointlist", "separation", "pointform", "help", "pointkeys",
        "frame", "embedding",
    ),
    "labels": (
        "halffloat", "colormaps", "dom", "host", "decisions", "packets", "announcer", "data", "state", "frame", "pairs", "matrix", "graph",
        "vectors", "images", "relations",
    ),
    "moves": (
        "halffloat", "dom", "host", "decisions", "packets", "announcer", "state", "pairs", "movedata", "movecurve", "help", "frame",
        "moves",
    ),
    "traces": (
        "halffloat", "colormaps", "dom", "host", "packets", "announcer", "state", "pairs", "matrix", "tracedata", "tracecard", "help",
        "frame", "traces",
    ),
    "monitor": (
        "halffloat", "colormaps", "dom", "host", "decisions", "packets", "announcer", "state", "canvas", "monitordata", "monitorview",
        "runstate", "learningcurves", "labelscores", "probestrip", "help", "frame", "monitor",
    ),
    "thresholds": (
        "halffloat", "dom", "host", "decisions", "packets", "announcer", "state", "pairs", "rates", "sortedscores", "labdata", "labview",
        "labsave", "labtable", "curve", "flips", "help", "frame", "thresholds",
    ),
}  # fmt: skip
STYLES = {  # shared rules first
    "attention": ("host", "attention", "whatif"),
    "embedding": ("host", "attention", "embedding"),
    "labels": ("host", "attention", "labels"),
    "moves": ("host", "attention", "moves"),
    "traces": ("host", "attention", "traces"),
    "monitor": ("host", "attention", "monitor"),
    "thresholds": ("host", "attention", "thresholds"),
}
OFFLINE = {  # joined after it in an exported page
    "attention": ("standalone", "offline"),
    "embedding": ("standalone", "pointsoffline"),
    "labels": ("standalone", "offline"),
    "moves": ("standalone", "movesoffline"),
    "traces": ("standalone", "tracesoffline"),
    "monitor": (),  # a training is watched, not exported
    "thresholds": ("standalone", "laboffline"),
}
# JupyterLab keeps each comm that it ever had, and with it the model of a widget that is gone (`CommHandler` of @jupyterlab/services listens
# to the kernel's status for ever). So what is large goes out of it; a model also keeps what it held before its last change, hence one more.
LOADER = """const KEY = Symbol.for("{name}");
const LARGE = ["code", "opening", "_css", "facts", "series", ""];
function load(text) {{
  const url = URL.createObjectURL(new Blob([text], {{ type: "text/javascript" }}));
  const loaded = import(url);
  loaded.then(() => URL.revokeObjectURL(url), () => delete globalThis[KEY]);
  return loaded;
}}
async function render(place) {{
  const code = place.model.get("code");
  globalThis[KEY] ??= code && load(code);
  const module = await globalThis[KEY];
  return place.model.get("code") ? module.default.render(place) : undefined;
}}
function initialize({{ model }}) {{
  model.on("destroy", () => {{
    for (const name of LARGE) model.set(name, null, {{ silent: true }});
  }});
}}
export default {{ initialize, render }};
"""
_IMPORT = re.compile(r"^import \{[^}]*\} from \"\./[a-z]+\.js\";\n", re.MULTILINE)
_DROPPED = re.compile(r"^[ \t]*(//.*)?\n|^[ \t]+|(?<=[;{},(]) // [^\n\"'`]*$", re.MULTILINE)
# Texts and templates are kept as they are; of the rest, blanks beside signs go. Templates nest one deep at most.
_TEXTS = re.compile(
    r"""("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.|\$(?!\{)|\$\{(?:[^`{}]|\{[^`{}]*\}|`(?:[^`\\]|\\.)*`)*\})*`)"""
)
_BLANKS = re.compile(r"(?<=[{}()\[\];,:=<>?&|]) | (?=[{}()\[\];,:=<>?&|])")
_EXPORT = re.compile(r"^export (?=(async )?(function|const|let|class) )", re.MULTILINE)


@cache
def module_text(explorer: str) -> str:
    """The ES module of an explorer, with a default export ``{ render }``."""
    parts = [_compact(_EXPORT.sub("", _IMPORT.sub("", (FOLDER / f"{name}.js").read_text("utf-8")))) for name in MODULES[explorer]]
    style = {key: value for key, value in STYLE.items() if any(re.search(rf"\b{key}\b", part) for part in parts)}
    text = "\n".join([f"const STYLE = {json.dumps(style, ensure_ascii=False, separators=(',', ':'))};", *parts])
    if len(text.encode()) > LIMIT:
        raise WorkbenchError(f'The text of the "{explorer}" explorer has {len(text.encode())} bytes, more than {LIMIT}; make it shorter.')
    return text


@cache
def loader(explorer: str) -> str:
    """The short ES module that anywidget loads for each widget: it loads the explorer's text from the widget's ``code``, once a page.

    A page keeps each module that it has loaded until it is closed.
    """
    digest = hashlib.sha256(module_text(explorer).encode()).hexdigest()[:16]
    return LOADER.format(name=f"workbench {explorer} {digest}")


def _compact(text: str) -> str:
    pieces = _TEXTS.split(_DROPPED.sub("", text))
    pieces[::2] = [_BLANKS.sub("", piece) for piece in pieces[::2]]
    return "".join(pieces).replace("export default{render};", "export default { render };")


@cache
def style_sheet(explorer: str) -> str:
    """The style sheet of an explorer."""
    return "\n".join((FOLDER / f"{name}.css").read_text("utf-8") for name in STYLES[explorer])


@cache
def offline_text(explorer: str) -> str:
    """What an exported page adds to an explorer's text: a model without a kernel, and the start."""
    return "\n".join((FOLDER / f"{name}.js").read_text("utf-8") for name in OFFLINE[explorer])
