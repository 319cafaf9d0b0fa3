"""How fast does the what-if panel answer in JupyterLab, on a CPU at 96 px? Run: python -m benchmarks.whatif

Writes studies/whatif.json: median and 95th percentile in milliseconds of

- painted: from the pointer's last move to the frame in which picture, maps and bars show the answer,
- answered: from the question to the kernel to the drawn answer,
- kernel: the kernel's part, with the forward pass alone beside it,

for boxes (mean colour and blur), strokes and moved objects, with SRN on drawn scenes, 17 labels. The weights are untrained: they make no
difference to the time.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import workbench
from benchmarks.common import STUDIES, machine, write_json
from benchmarks.explorer import _priority, summary
from tests.browser.conftest import FLAGS, find_chromium
from tests.support.bench import OPEN, bench_notebook, draw
from tests.support.jupyter import running_lab
from workbench.datasets.scenes import Scenes
from workbench.widgets.asked import Question

BAR = 150  # ms, for the 95th percentile of "painted"


def in_browser(times: int, size: int, threads: int, random: np.random.Generator) -> tuple[dict[str, Any], str]:
    """Edits of each kind in a JupyterLab of our own; undone every few edits, so that the list does not grow."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="whatif-") as folder:
        notebooks, scratch = Path(folder, "notebooks"), Path(folder, "jupyter")
        notebooks.mkdir()
        scratch.mkdir()
        bench_notebook(notebooks / "bench.ipynb", size, threads)
        with running_lab(notebooks, scratch) as lab, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
            page = browser.new_context(viewport={"width": 1800, "height": 1400}).new_page()
            lab.open(page, "bench.ipynb")
            lab.run_all(page, timeout=120_000)
            page.wait_for_function(OPEN)
            results = {}
            for name, tool, fill in (
                ("box, mean", "box", "mean"),
                ("box, blur", "box", "blur"),
                ("stroke", "paint", "mean"),
                ("move", "move", ""),
            ):
                if fill:
                    page.get_by_label("Cover with").select_option(fill)
                found = []
                for _ in range(times + 3):
                    reset(page)
                    start = middle_of_a_thing(page) if tool == "move" else tuple(random.uniform(0.1, 0.4, 2))
                    found.append(draw(page, tool, start, tuple(random.uniform(0.5, 0.9, 2))))
                    page.wait_for_timeout(50)
                results[name] = {
                    "painted, ms": summary([each["total"] for each in found[3:]]),
                    "answered, ms": summary([each["answered"] for each in found[3:]]),
                }
                print(name, results[name])
            version = browser.version
            browser.close()
    return results, version


def reset(page: Any) -> None:
    """Take all edits back and wait for the picture as it was."""
    button = page.get_by_role("button", name="Reset")
    if button.is_enabled():
        button.click()
    page.wait_for_function("() => JSON.parse(document.querySelector('.wb-whatif').dataset.answered).edits.length === 0")


def middle_of_a_thing(page: Any) -> tuple[float, float]:
    """The middle of the front-most object, as the panel marks it."""
    page.evaluate(
        "() => { const b = document.querySelector('[data-tool=move]'); if (b.getAttribute('aria-pressed') !== 'true') b.click(); }"
    )
    page.wait_for_selector(".wb-marks rect", state="attached")
    box = "(rect) => ['x', 'y', 'width', 'height'].map((name) => Number(rect.getAttribute(name)))"
    x, y, width, height = page.locator(".wb-marks rect").last.evaluate(box)
    return x + width / 2, y + height / 2


def in_kernel(times: int, size: int, threads: int) -> dict[str, Any]:
    """The kernel's part of a moved object, the dearest edit, and the forward pass in it."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    scenes = Scenes("val", count=6, size=size, cache=False)
    model = workbench.create_model("srn", scenes.categories, backbone="small-narrow", image_size=size)
    inspection = workbench.inspect(model, scenes, measure=False)
    predict = workbench.predictor(model, scenes=inspection)
    bench = workbench.AttentionExplorer(inspection, predict=predict)._bench
    assert bench is not None
    last = (bench.packet(Question({"ask": "whatif", "image": 0, "edits": []}))["things"] or [])[-1]["thing"]
    whole, forward = [], []
    for place in range(times + 3):
        begin = time.perf_counter()
        bench.packet(Question({"ask": "whatif", "image": 0, "edits": [{"do": "move", "thing": last, "by": [0.001 * place, 0.0]}]}))
        middle = time.perf_counter()
        predict(np.zeros((1, size, size, 3), dtype=np.uint8))
        whole.append(1000 * (middle - begin))
        forward.append(1000 * (time.perf_counter() - middle))
    return {"kernel, ms": summary(whole[3:]), "forward pass, ms": summary(forward[3:])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=60, help="edits of each kind")
    parser.add_argument("--size", type=int, default=96, help="side of the pictures in pixels")
    parser.add_argument("--threads", type=int, default=2, help="threads of the forward pass")
    parser.add_argument("--output", type=Path, default=STUDIES / "whatif.json")
    arguments = parser.parse_args()
    results, version = in_browser(arguments.times, arguments.size, arguments.threads, np.random.default_rng(0))
    results["move"] |= in_kernel(arguments.times, arguments.size, arguments.threads)
    facts = {**machine(), "chromium": version, "load at the end": round(os.getloadavg()[0], 1), "priority": _priority()}
    met = max(entry["painted, ms"]["p95"] for entry in results.values()) <= BAR
    settings = {"size": arguments.size, "threads": arguments.threads, "times": arguments.times, "model": "srn, small-narrow, untrained"}
    write_json(arguments.output, {"machine": facts, "settings": settings, "bar, ms": BAR, "met": met, "results": results})
    print(f"met: {met}; written to {arguments.output}")


if __name__ == "__main__":
    main()
