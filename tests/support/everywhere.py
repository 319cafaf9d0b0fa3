"""Every explorer in one notebook: the code of its cells, and what tells that each is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.archives import make_contents
from tests.support.embedded import embed
from tests.support.layered import make_layered_contents
from tests.support.run_folder import make_run

ROOT = Path(__file__).parents[2]
SETUP = f"""import sys
sys.path.insert(0, {str(ROOT)!r})
from IPython.display import display
from tests.support.moving import Weighing, make_editor
from tests.support.traced import make_fired, make_templates
from workbench.widgets import (
    AttentionExplorer, EmbeddingExplorer, LabelExplorer, MoveLab, TemplateExplorer, ThresholdLab, TrainingMonitor,
)"""
MAKE = {
    "attention": "AttentionExplorer('scenes.safetensors', image=3, spot=None)",
    "embedding": "EmbeddingExplorer('scenes.safetensors')",
    "labels": "LabelExplorer('layered.safetensors')",
    "thresholds": "ThresholdLab('scenes.safetensors')",
    "moves": "MoveLab(Weighing(make_editor()))",
    "traces": "TemplateExplorer(make_templates(), *make_fired())",
    "monitor": "TrainingMonitor('run/made')",
}
NAMES = {  # of their regions
    "attention": "Attention explorer",
    "embedding": "Embedding explorer",
    "labels": "Label explorer",
    "thresholds": "Threshold lab",
    "moves": "Move lab",
    "traces": "Template explorer",
    "monitor": "Training monitor",
}
FINDER = """
  window.workbench_find = (name) => {
    const found = [];
    const search = (node) => {
      if (node.matches?.(`.wb-explorer[aria-label="${name}"]`)) found.push(node);
      for (const child of node.children || []) search(child);
      if (node.shadowRoot) search(node.shadowRoot);
      if (node.tagName === "IFRAME" && node.contentDocument) search(node.contentDocument.documentElement);
    };
    search(document.documentElement);
    return found;
  };
  // Something is drawn: the status line speaks, and the pixels of some canvas or picture, or lines of a chart, are there and have a size.
  window.workbench_drawn = (root) => {
    const box = root.getBoundingClientRect();
    if (box.width < 250 || box.height < 100 || box.height > 4000) return false;
    if (!root.querySelector(".wb-status").textContent) return false;
    const inked = (canvas) => {
      if (!canvas.width || !canvas.getBoundingClientRect().width) return false;
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      for (let i = 4; i < data.length; i += 4) if (data[i] !== data[0] || data[i + 1] !== data[1] || data[i + 3] !== data[3]) return true;
      return false;
    };
    return [...root.querySelectorAll("canvas")].some(inked);
  };
"""


def prepare(folder: Path) -> None:
    """Write the files that the cells open."""
    embed(make_contents(30, 5, each=False)).save(folder / "scenes.safetensors")
    make_layered_contents(12, 6).save(folder / "layered.safetensors")
    make_run(folder / "run" / "made")


def cell(name: str) -> str:
    """Code that makes an explorer and shows it."""
    return f"{name} = {MAKE[name]}\n{name}"


NEST = """import ipywidgets
def nest(explorer):
    box = ipywidgets.Output()
    with box:
        display(explorer)
    display(box)
    ipywidgets.interact(lambda n: explorer, n=(1, 3))
    display(ipywidgets.Tab([explorer], titles=["tab"]), ipywidgets.HBox([explorer, ipywidgets.HTML("<p>notes beside it</p>")]))"""
PLAIN_KEYS = [chr(code) for code in range(33, 127) if chr(code) != "?"] + [
    "Enter", "?", "Escape", "Backspace", "Delete", "Home", "End", "PageUp", "PageDown", "Insert", "Space", "ArrowUp", "ArrowDown",
    "ArrowLeft", "ArrowRight", "Shift+Enter", "Shift+Space", "Shift+ArrowUp", "Shift+ArrowDown", "NumpadEnter", "CapsLock",
]  # fmt: skip


def wait_drawn(page: Any, timeout: float = 60_000) -> None:
    """Wait until some view of every explorer is drawn."""
    page.wait_for_function(
        "(names) => names.every((name) => workbench_find(name).some(workbench_drawn))", arg=list(NAMES.values()), timeout=timeout
    )


def type_every_key(page: Any, name: str) -> list[str]:
    """Type every plain key into the first view of an explorer, and some into its inputs. Returns keys of which one moved the focus."""
    focus = "(name) => workbench_find(name)[0].focus({ preventScroll: true })"
    inside = "(name) => { const root = workbench_find(name)[0]; return root?.contains(root.getRootNode().activeElement); }"
    page.evaluate(focus, NAMES[name])
    left = []
    for start in range(0, len(PLAIN_KEYS), 12):
        keys = PLAIN_KEYS[start : start + 12]
        for key in keys:
            page.keyboard.press(key)
        if not page.evaluate(inside, NAMES[name]):
            left += keys
            page.evaluate(focus, NAMES[name])
    some = "([name, what]) => { const node = workbench_find(name)[0].querySelector(what); node?.focus(); return Boolean(node); }"
    for what in ("select", "input[type=range]", "input[type=number]", "button[aria-pressed]", "canvas[tabindex]", "[role=tab]"):
        if page.evaluate(some, [NAMES[name], what]):
            for key in ("d", "d", "x", "m", "y", "a", "Shift+M"):
                page.keyboard.press(key)
    page.keyboard.press("Escape")
    return left


def change_view(page: Any, name: str) -> None:
    """Change the view by keys that come one at a time, so that each change reaches the kernel before the next."""
    page.evaluate("(name) => workbench_find(name)[0].focus({ preventScroll: true })", NAMES[name])
    for key in ("ArrowRight", "ArrowDown", "s", "c"):
        page.keyboard.press(key)
        page.evaluate("() => new Promise((done) => setTimeout(done, 250))")
