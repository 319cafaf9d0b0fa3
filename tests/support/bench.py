"""The what-if panel for tests and timings: a notebook with it, a pen that waits for the answer, and what must then be shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.support.jupyter import write_notebook
from tests.support.plain_page import wait_drawn
from tests.support.strips import Strips
from workbench.inspection import Inspection

PHOTO = """async ([x, y]) => {
  // What came with the answer is drawn in the next frame.
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const canvas = document.querySelector(".wb-canvas");
  return [...canvas.getContext("2d").getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data].slice(0, 3);
}"""
CELL = """import torch, workbench
from workbench.datasets.scenes import Scenes
torch.set_num_threads({threads})
torch.manual_seed(0)
scenes = Scenes('val', count=6, size={size}, cache=False)
model = workbench.create_model('srn', scenes.categories, backbone='small-narrow', image_size={size})
inspection = workbench.inspect(model, scenes, measure=False)
explorer = workbench.AttentionExplorer(inspection, image=0, predict=workbench.predictor(model, scenes=inspection))
explorer"""
OPEN = "() => document.querySelector('.wb-whatif')?.dataset.answered && document.querySelector('.wb-panes:not(.wb-waiting)')"
# One edit by the pointer: down, one move, up; from the pointer going up to the frame in which the answer is painted, in ms.
DRAW = """async ([tool, from, to]) => {
  const panel = document.querySelector(".wb-whatif");
  const button = panel.querySelector(`[data-tool=${tool}]`);
  if (button.getAttribute("aria-pressed") !== "true") button.click();
  const canvas = document.querySelector(".wb-canvas");
  const box = canvas.getBoundingClientRect();
  const send = (type, [x, y]) => canvas.dispatchEvent(new PointerEvent(type, {
    clientX: box.left + x * box.width, clientY: box.top + y * box.height, bubbles: true, button: 0, pointerId: 1,
  }));
  const edits = () => JSON.parse(panel.dataset.answered).edits.length;
  const latest = edits();
  send("pointerdown", from);
  const begin = performance.now();
  send("pointermove", to);
  send("pointerup", to);
  while (edits() <= latest) {
    if (performance.now() - begin > 20000) throw new Error("no answer within 20 s: " + document.querySelector(".wb-status").textContent);
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  canvas.getContext("2d").getImageData(5, 5, 1, 1);
  await new Promise((resolve) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = resolve;
    channel.port2.postMessage(null);
  }));
  return { total: performance.now() - begin, answered: Number(panel.dataset.ms) };
}"""


def bench_notebook(path: Path, size: int = 96, threads: int = 2) -> Path:
    """A notebook of one cell."""
    return write_notebook(path, [CELL.format(size=size, threads=threads)])


def draw(page: Any, tool: str, start: tuple[float, float], end: tuple[float, float]) -> dict[str, float]:
    """Make one edit and wait for its answer: {"total": ms until it is painted, "answered": ms from the question to the drawn answer}."""
    return page.evaluate(DRAW, [tool, list(start), list(end)])


def settle(page: Any) -> None:
    """Wait until the answer to what is wished for now is there."""
    page.wait_for_function("""() => {
      const { edits, image } = window.model.get("view_state");
      const answered = document.querySelector(".wb-whatif").dataset.answered;
      return answered && JSON.stringify(JSON.parse(answered).edits) === JSON.stringify(edits[image] || []);
    }""")
    wait_drawn(page)


def edits_of(page: Any) -> list[dict[str, Any]]:
    """The edits of the image in view."""
    view = page.evaluate("() => window.model.get('view_state')")
    return view["edits"].get(view["image"], [])


def drag(page: Any, pane: int, places: Sequence[tuple[float, float]], steps: int = 3) -> None:
    """Draw on a pane, along places in 0..1, and wait for the answer."""
    box = page.locator(".wb-canvas").nth(pane).bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=steps)
    page.mouse.up()
    settle(page)


def stored(inspection: Inspection, image: int = 2) -> np.ndarray:
    """What the model gets of an image that nobody edited."""
    return np.asarray(inspection.image(image).resize(inspection.frame[::-1], Image.Resampling.BILINEAR))


def rows(page: Any) -> list[tuple[str, ...]]:
    """(label, before, after, change) of the table."""
    lines = page.locator(".wb-beforeafter tbody tr").all()
    return [tuple(line.locator("th button, td.wb-score").all_inner_texts()) for line in lines]


def expected_rows(inspection: Inspection, predict: Strips, after: np.ndarray, chosen: str = "sun") -> list[tuple[str, ...]]:
    """`rows` by numpy, for image 2 of five labels, when the model gets `after`."""
    before, after = (1 / (1 + np.exp(-predict.logits(pixels))) for pixels in (stored(inspection), after))
    order = sorted(range(5), key=lambda i: (inspection.categories[i] != chosen, -abs(after[i] - before[i]), -after[i]))
    signed = [
        f"{'+' if after[i] > before[i] else '−'}{abs(after[i] - before[i]):.2f}" if abs(after[i] - before[i]) >= 0.005 else "0"
        for i in order
    ]
    return [(inspection.categories[i], f"{before[i]:.2f}", f"{after[i]:.2f}", change) for i, change in zip(order, signed, strict=True)]


def photo_at(page: Any, x: float, y: float) -> np.ndarray:
    """The colour of the first picture at a place in 0..1."""
    return np.array(page.evaluate(PHOTO, [x, y]))
