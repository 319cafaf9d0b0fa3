"""The one text that a browser gets for an explorer: shared modules and the explorer's own, joined in a stated order.

A notebook loads a module from a blob, where relative imports fail. So the files are plain ES modules for editors and checkers, and are
joined here: their import lines, indentation, whole-line comments and the word ``export`` are dropped. The same text serves the notebook,
the page tests and the exported page.
"""

from __future__ import annotations

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
        "halffloat", "colormaps", "dom", "decisions", "packets", "announcer", "data", "state", "view", "canvas", "gallery", "labels",
        "pane", "panes", "spot", "numbers", "parts", "layers", "steps", "influence", "edits", "pen", "whatif", "help", "keyboard", "frame",
        "attention",
    ),
    "embedding": (
        "halffloat", "colormaps", "dom", "decisions", "packets", "announcer", "state", "pointdata", "pointview", "marks", "raster",
        "picking", "colouring", "scatter", "player", "choosing", "pointcard", "pointlist", "separation", "pointform", "help", "pointkeys",
        "frame", "embedding",
    ),
    "labels": (
        "halffloat", "colormaps", "dom", "decisions", "packets", "announcer", "data", "state", "frame", "pairs", "matrix", "graph",
        "vectors", "images", "relations",
    ),
    "moves": (
        "halffloat", "dom", "decisions", "packets", "announcer", "state", "pairs", "movedata", "movecurve", "help", "frame", "moves",
    ),
    "traces": (
        "halffloat", "colormaps", "dom", "packets", "announcer", "state", "pairs", "matrix", "tracedata", "tracecard", "help", "frame",
        "traces",
    ),
    "monitor": (
        "halffloat", "colormaps", "dom", "decisions", "packets", "announcer", "state", "canvas", "monitordata", "monitorview", "runstate",
        "learningcurves", "labelscores", "probestrip", "help", "frame", "monitor",
    ),
    "thresholds": (
        "halffloat", "dom", "decisions", "packets", "announcer", "state", "pairs", "rates", "sortedscores", "labdata", "labview",
        "labsave", "labtable", "curve", "flips", "help", "frame", "thresholds",
    ),
}  # fmt: skip
STYLES = {  # shared rules first
    "attention": ("attention", "whatif"),
    "embedding": ("attention", "embedding"),
    "labels": ("attention", "labels"),
    "moves": ("attention", "moves"),
    "traces": ("attention", "traces"),
    "monitor": ("attention", "monitor"),
    "thresholds": ("attention", "thresholds"),
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
_IMPORT = re.compile(r"^import \{[^}]*\} from \"\./[a-z]+\.js\";\n", re.MULTILINE)
_DROPPED = re.compile(r"^[ \t]*//.*\n|^[ \t]+", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(async )?(function|const|let|class) )", re.MULTILINE)


@cache
def module_text(explorer: str) -> str:
    """The ES module of an explorer, with a default export ``{ render }``."""
    parts = [f"const STYLE = {json.dumps(STYLE, ensure_ascii=False, separators=(',', ':'))};"]
    for name in MODULES[explorer]:
        text = _IMPORT.sub("", (FOLDER / f"{name}.js").read_text("utf-8"))
        parts.append(_EXPORT.sub("", _DROPPED.sub("", text)))
    text = "\n".join(parts)
    if len(text.encode()) > LIMIT:
        raise WorkbenchError(f'The text of the "{explorer}" explorer has {len(text.encode())} bytes, more than {LIMIT}; make it shorter.')
    return text


@cache
def style_sheet(explorer: str) -> str:
    """The style sheet of an explorer."""
    return "\n".join((FOLDER / f"{name}.css").read_text("utf-8") for name in STYLES[explorer])


@cache
def offline_text(explorer: str) -> str:
    """What an exported page adds to an explorer's text: a model without a kernel, and the start."""
    return "\n".join((FOLDER / f"{name}.js").read_text("utf-8") for name in OFFLINE[explorer])
