"""Messages that no page of ours sends, to every explorer: other types, huge numbers, NaN, deep nesting, missing keys, unknown kinds.

Each goes the way of a real one, from ipywidgets' handler on. What comes back is an answer, or one sentence of ours that can be sent; the
view is one that could be chosen, and now and then it is drawn and exported.
"""

from __future__ import annotations

import json
import logging
import random
import tempfile
import warnings
from base64 import b64encode
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.soak.registry import proof
from tests.support.archives import make_inspection
from tests.support.damage import STRANGE, Watch, places
from tests.support.embedded import make_embedded
from tests.support.moving import Weighing, make_editor
from tests.support.run_folder import make_run
from tests.support.strips import Strips
from tests.support.traced import make_fired, make_templates
from workbench.datasets.scene_editor import SceneEditor
from workbench.datasets.scenes import Scenes
from workbench.shelf import open_inspection
from workbench.widgets import (
    AttentionExplorer,
    EmbeddingExplorer,
    LabelExplorer,
    MoveLab,
    TemplateExplorer,
    ThresholdLab,
    TrainingMonitor,
)
from workbench.widgets.edits import FILLS, MOST
from workbench.widgets.explorer import Explorer

DRAWN_EVERY, EXPORTED_EVERY = 60, 300  # messages
LONGEST = 1100  # letters of what is said
ROOT = Path(__file__).parents[2]
WRONG = [
    *STRANGE, 400 * 9, 10**400, -(10**400), float("-inf"), "x" * 100_000, [0] * 20_000, list("abc"), [[[[[[[[[[[[[[]]]]]]]]]]]]]],
    b"bytes", memoryview(b"12345678"), {"ask": {"ask": []}}, {"": None}, "image", "start", "__class__", "<b>x</b>", "a\nb",
]  # fmt: skip


def bench() -> AttentionExplorer:
    """What-if requests, on scenes that can be drawn again."""
    inspection = open_inspection(ROOT / "data" / "scenes-pooled.safetensors")
    return AttentionExplorer(inspection, predict=Strips(inspection), scenes=SceneEditor(Scenes("val", count=120, cache=False)))


def make(kind: str, place: Path) -> Explorer:
    made = {
        "attention": lambda: AttentionExplorer([make_inspection(6, 5), make_inspection(6, 5, system="pooled")]),
        "whatif": bench,
        "labels": lambda: LabelExplorer(make_inspection(6, 5)),
        "embedding": lambda: EmbeddingExplorer(make_embedded(12, 5)),
        "thresholds": lambda: ThresholdLab(make_inspection(20, 5)),
        "moves": lambda: MoveLab(Weighing(make_editor(2))),
        "templates": lambda: TemplateExplorer(make_templates(), *make_fired()),
        "monitor": lambda: TrainingMonitor(make_run(place / "run", 5, state="done")),
    }
    return made[kind]()


KINDS = ("attention", "whatif", "labels", "embedding", "thresholds", "moves", "templates", "monitor")


def edit(rng: random.Random) -> dict[str, Any]:
    """One that the bench may be asked for; every third holds numbers that no pointer makes."""
    x0, y0, x1, y1 = (rng.random() for _ in range(4))
    if rng.random() < 0.3:
        x0, y0, x1, y1 = (rng.choice([x0, 0, -1, 1e-9, 1e12, -1e18, 2**62]) for _ in range(4))
        points = [[x0, y0], [x1, y1]] * rng.choice([1, 1, 1, 2000, 2001])
        wide = {"points": points, "radius": [rng.choice([0, 1e-5, 0.5, 1e9]), rng.choice([1e-5, 0.5])], "box": [x0, y0, x1, y1]}
        return {
            "do": rng.choice(["box", "paint", "move"]),
            **wide,
            "fill": rng.choice(FILLS),
            "shift": [x0, y1],
            "by": [x1, y0],
            "thing": 1,
        }
    return rng.choice(
        [
            {"do": "box", "box": [x0, y0, x1, y1], "fill": rng.choice(FILLS), "shift": [0.1, 0]},
            {"do": "paint", "points": [[x0, y0], [x1, y1]], "radius": [0.05, 0.05], "fill": "mean"},
            {"do": "move", "thing": rng.randrange(6), "by": [x0 - 0.5, y0 - 0.5]},
            {"do": "delete", "thing": rng.randrange(6)},
            {"do": "picture", "key": "k", "name": "mine.png", "size": [8, 8]},
        ]
    )


def question(rng: random.Random, explorer: Explorer) -> dict[str, Any]:
    """One as a page asks it."""
    if isinstance(explorer, MoveLab):
        return {"ask": "sweep", **{key: explorer.view_state[key] for key in ("image", "thing", "axis")}}
    if isinstance(explorer, TrainingMonitor):
        asked = {"ask": rng.choice(["start", "stop", "watch", "leave", "pictures", "maps"]), "view": "v"}
        return {**asked, "epoch": rng.randint(1, 5), "label": "sun"}
    number = rng.randrange(6)
    if rng.random() < 0.05:
        return {"ask": "views", "views": rng.choice(["seen", "unseen", "gone"]), "page": "p", "shown": explorer.shown}
    kinds = [{"ask": "image", "image": number}, {"ask": "thumbnails", "images": [0, number]}, {"ask": "points", "projection": "pca"}]
    if isinstance(explorer, AttentionExplorer):
        kinds.append({"ask": "whatif", "serial": "s", "image": number, "edits": [edit(rng) for _ in range(rng.randrange(4))]})
        kinds.append({"ask": "upload", "serial": "u", "key": "k", "data": PICTURE})
    return rng.choice(kinds)


def png() -> str:
    import io

    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), 90, dtype=np.uint8)).save(buffer, "PNG")
    return b64encode(buffer.getvalue()).decode()


PICTURE = png()


def update(rng: random.Random, explorer: Explorer) -> dict[str, Any]:
    """A change of the view as a page sends it: all of it, some entries of another explorer of the same kind."""
    state: dict[str, Any] = {"view_state": _copied(dict(explorer.view_state))}
    view = state["view_state"]
    if "edits" in view and rng.random() < 0.3:
        view["edits"] = {view["image"]: [edit(rng) for _ in range(rng.randrange(1, 4))]}
    if isinstance(explorer, EmbeddingExplorer) and rng.random() < 0.3:
        state["picked"] = memoryview(np.array([0, 1, rng.randrange(9)], dtype=np.int32).tobytes())
    if rng.random() < 0.1:
        state[rng.choice(["status", "opening", "still", "facts", "layout", "_esm", "picked", "no such"])] = rng.choice(WRONG)
    return state


def mutated(rng: random.Random, content: Any) -> Any:
    """The same with one to three places that hold something else, are gone, or are there twice."""
    content = _copied(content)
    for _ in range(rng.randint(1, 3)):
        found = list(places(content))
        if not found or rng.random() < 0.03:
            return rng.choice(WRONG)
        container, key = rng.choice(found)
        action = rng.random()
        if action < 0.7:
            container[key] = _copied(rng.choice(WRONG))
        elif action < 0.85:
            del container[key]
        elif isinstance(container, dict):
            container[rng.choice(["extra", "image", "label", "edits", "ask"])] = _copied(container[key])
        else:
            container.extend(_copied(container * min(MOST, 2000 // max(1, len(container)))))
            break  # lengthened twice, one in the other, it would be more than anybody can send
    return content


def _copied(value: Any) -> Any:
    """As a page would send it: no list in two places, and bytes in the place of what cannot be copied."""
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, list):
        return [_copied(each) for each in value]
    return {key: _copied(each) for key, each in value.items()} if isinstance(value, dict) else value


class Said(logging.Handler):
    """What ipywidgets writes to the log, tracebacks above all."""

    def emit(self, record: logging.LogRecord) -> None:
        raised = record.exc_info[1] if record.exc_info else None
        TRACEBACKS.append(f"{type(raised).__name__}: {raised!s:.300}" if raised else record.getMessage()[:300])


TRACEBACKS: list[str] = []


class Page:
    """An explorer, and the page that sends it messages."""

    def __init__(self, kind: str, place: Path) -> None:
        self.kind, self.explorer, self.place, self.sent = kind, make(kind, place), place, 0
        self.left: list[dict[str, Any]] = []
        self.explorer.open()
        self.explorer._send = self._keep  # type: ignore[method-assign]

    def _keep(self, message: dict[str, Any], buffers: Any = None) -> None:
        json.dumps(message, allow_nan=False, ensure_ascii=False).encode()  # as the kernel packs it
        self.left.append(message)

    def deliver(self, data: dict[str, Any]) -> str:
        """Send one message: what was said, "" where nothing is wrong."""
        self.left.clear()
        TRACEBACKS.clear()
        self.explorer._handle_msg({"content": {"data": {"buffer_paths": [], **data}}, "buffers": []})
        assert not TRACEBACKS, TRACEBACKS[0]
        self.sent += 1
        if data["method"] == "custom":
            answers = [message["content"] for message in self.left if message["method"] == "custom"]
            if not answers and isinstance(data["content"], dict) and data["content"].get("ask") == "views":
                return ""
            assert len(answers) == 1, f"{len(answers)} answers"
            return str(answers[0]["text"]) if answers[0]["answer"] == "error" else ""
        return self.explorer.status

    def require_valid(self) -> None:
        """What is in view could have been chosen, and can be drawn and exported."""
        view = self.explorer.view_state
        assert self.explorer._checked(view) == view
        if self.sent % DRAWN_EVERY == 1:
            self.explorer.snapshot()
            repr(self.explorer)
        if self.sent % EXPORTED_EVERY == 2 and hasattr(self.explorer, "export_html"):
            self.explorer.export_html(self.place / f"{self.kind}.html", cap_mb=3)


def message(rng: random.Random, explorer: Explorer) -> dict[str, Any]:
    asked = rng.random() < 0.5
    real = question(rng, explorer) if asked else update(rng, explorer)
    content = mutated(rng, real) if rng.random() < 0.85 else real
    if asked:
        return {"method": "custom", "content": content}
    return {"method": "update", "state": content if isinstance(content, dict) else {"view_state": content}}


@proof(whole=12_000, sample=240, piece=1000, marks=("slow",))
def messages(seed: int, count: int) -> dict[str, int]:
    """To any message an explorer answers, or says one sentence; its view stays one that can be drawn and exported."""
    rng, found, handler = random.Random(f"messages {seed}"), Counter[str](), Said()
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings(), Watch() as watch:
        warnings.simplefilter("ignore", ResourceWarning)
        pages = [Page(kind, Path(name)) for kind in KINDS]
        pages[0].explorer.log.addHandler(handler)
        try:
            for case in range(count):
                page = pages[case % len(pages)]
                sent = message(rng, page.explorer)
                try:
                    watch.read(lambda page=page, sent=sent: found.update([_outcome(page, sent)]))
                except Exception as error:
                    pytest.fail(f"case {case}, {page.kind}: {type(error).__name__}: {error!s:.400} after {sent!r:.500}")
        finally:
            pages[0].explorer.log.removeHandler(handler)
            for page in pages:
                page.explorer.close()
    return dict(found)


def _outcome(page: Page, sent: dict[str, Any]) -> str:
    said = page.deliver(sent)
    assert said.startswith("WorkbenchError: ") or not said, said
    assert len(said) <= LONGEST, f"{len(said)} letters: {said[:200]}"
    assert "\n" not in said
    page.require_valid()
    return "refused" if said else "taken"
