"""Script that a notebook from elsewhere brings along in its saved widget state, and the same notebook without it.

A notebook may hold the state of its widgets under ``metadata.widgets``. JupyterLab's widget manager makes these models anew when the
notebook is opened, whether or not it is trusted and before anything is run; a model of anywidget carries an ES module in ``_esm``, which
then runs with everything that the page may do: read files, run code in a kernel. Seen with JupyterLab 4.6, ipywidgets 8.1, anywidget 0.11
(`docs/upstream-widget-state.md`).
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from workbench.errors import WorkbenchError

MIME = "application/vnd.jupyter.widget-state+json"
LARGEST = 256 * 2**20  # bytes of a notebook that is looked into
SCRIPTED = ("_esm",)
"""Entries of a widget's state that are run as script when the widget is made."""


class Script(NamedTuple):
    """One widget model that brings a script: its id, where the model says it comes from, and the script's size and digest."""

    model: str
    origin: str
    bytes: int
    digest: str


def read_notebook(path: Path) -> dict[str, Any]:
    """The JSON of a notebook. Raises WorkbenchError if it is too large, not JSON, or not a notebook."""
    try:
        if not path.is_file():
            raise WorkbenchError(f"There is no notebook {path}; give the path of an .ipynb file.")
        if path.stat().st_size > LARGEST:
            raise WorkbenchError(
                f"{path} has {path.stat().st_size / 1e6:.0f} MB; notebooks above {LARGEST // 2**20} MB are not looked into."
            )
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise WorkbenchError(f"{path} is no notebook: it is not JSON in UTF-8; get it again.") from None
    except OSError as error:
        raise WorkbenchError(f"{path} cannot be read ({error.strerror}); check the path and its permissions.") from None
    if not isinstance(notebook, dict) or "nbformat" not in notebook:
        raise WorkbenchError(f"{path} is no notebook: it names no nbformat; get it again.")
    return notebook


def scripts(notebook: Mapping[str, Any], known: Collection[str] = ()) -> list[Script]:
    """The widget models in a notebook that bring script.

    Args:
        known: scripts, as text, that are not reported, such as this library's own.

    Returns: one `Script` a model, in the order of the file; a script under any spelling of the mime type is found.
    """
    found = []
    for state in _states(notebook):
        for model, entry in state.items():
            text = _script(entry)
            if text is not None and text not in known:
                digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
                found.append(Script(str(model), _origin(entry), len(text), digest))
    return found


def without_scripts(notebook: Mapping[str, Any], known: Collection[str] = ()) -> dict[str, Any]:
    """A copy of a notebook without the widget state, if that brings script which is not `known`; else an equal copy.

    The whole state goes, not single models: others refer to them. The cells and their outputs stay as they are.
    """
    cleaned = copy.deepcopy(dict(notebook))
    if scripts(notebook, known):
        cleaned["metadata"].pop("widgets", None)
    return cleaned


def _states(notebook: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    metadata = notebook.get("metadata")
    widgets = metadata.get("widgets") if isinstance(metadata, Mapping) else None
    if not isinstance(widgets, Mapping):
        return []
    bundles = [bundle.get("state") for bundle in widgets.values() if isinstance(bundle, Mapping)]
    bundles.append(widgets.get("state"))  # as older programs wrote it
    return [state for state in bundles if isinstance(state, Mapping)]


def _script(entry: Any) -> str | None:
    state = entry.get("state") if isinstance(entry, Mapping) else None
    if not isinstance(state, Mapping):
        return None
    texts = [value if isinstance(value, str) else json.dumps(value) for key in SCRIPTED if (value := state.get(key))]
    return "\n".join(texts) if texts else None


def _origin(entry: Mapping[str, Any]) -> str:
    state = entry["state"]
    parts = (state.get("_anywidget_id"), entry.get("model_module") or state.get("_model_module"), entry.get("model_name"))
    return next((str(part)[:80] for part in parts if part), "unknown")
