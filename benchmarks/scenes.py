"""How fast scenes are drawn, and how far absolute position alone gives their relational labels away.

    python -m benchmarks.scenes        # about a minute on one core; prints one JSON line and writes studies/scenes_speed.json

Speed is in images a second of one core's processor time, so that other work on the machine does not enter; sizes and knobs are the
defaults. The position probe is gradient boosting on a few facts of each disc, diamond or puff, asked whether its label is the one above
the houses: its height, its place, the heights of the houses, its looks, and place and houses together. AP is 0.5 for a guess.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.common import STUDIES, machine, write_json
from workbench.datasets.scenes import RELATIONS, Knobs, Scenes
from workbench.datasets.scenes.compose import compose
from workbench.metrics import average_precision

COUNT = 1500
FACTS = ("height", "place", "houses", "looks", "place and houses")


def rate(work: Callable[[], Any], count: int, repeats: int = 3) -> float:
    """Best images a second of processor time over the repeats."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return round(count / min(times), 1)


def speeds() -> dict[str, float]:
    scenes = Scenes("train", count=COUNT, cache=False)
    composed = [scenes.scene(index) for index in range(COUNT)]
    with tempfile.TemporaryDirectory() as folder:
        Scenes("train", count=COUNT, cache=folder).pixels(64)
        return {
            "uncached, pixels and labels": rate(lambda: Scenes("train", count=COUNT, cache=False).pixels(64), COUNT),
            "uncached, one image at a time with its masks": rate(
                lambda: [(s.render(64), s.regions(64)) for s in map(scenes.scene, range(COUNT))], COUNT
            ),
            "labels only": rate(lambda: [scenes.scene(index).target for index in range(COUNT)], COUNT),
            "masks only": rate(lambda: [scene.regions(64) for scene in composed], COUNT),
            "pictures of 256 px": rate(lambda: [scenes.picture(index) for index in range(200)], 200),
            "cached on disk, opened anew": rate(lambda: Scenes("train", count=COUNT, cache=folder).pixels(64), COUNT),
        }


def facts_of(split: str, count: int, knobs: Knobs) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Facts of every paper, by name, and whether its label is the one above."""
    rows: dict[str, list[tuple[float, ...]]] = {name: [] for name in FACTS}
    above = []
    for index in range(count):
        things = compose(0, split, index, knobs).things
        houses = sorted((thing.x, thing.y) for thing in things if thing.shape == "house")
        heights = [y for _, y in houses]
        for thing in things:
            if thing.shape in RELATIONS and thing.category:
                place, lines = (thing.x, thing.y), (min(heights), max(heights), float(np.mean(heights)))
                ends = (heights[0], heights[-1])
                looks = (thing.size, thing.angle, *thing.color, *thing.accent, *thing.looks)
                for name, facts in zip(FACTS, ((thing.y,), place, (*lines, *ends), looks, (*place, *lines, *ends)), strict=True):
                    rows[name].append(facts)
                above.append(thing.category == RELATIONS[thing.shape][0])
    return {name: np.array(values) for name, values in rows.items()}, np.array(above)


def position_probe(**knobs: float) -> dict[str, float]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    train, labels = facts_of("train", 5000, Knobs(**knobs))
    test, truth = facts_of("test", 3000, Knobs(**knobs))
    result = {"papers": len(truth), "share above": round(float(truth.mean()), 3)}
    for name in FACTS:
        model = HistGradientBoostingClassifier(max_iter=80, random_state=0).fit(train[name], labels)
        scores = model.predict_proba(test[name])[:, 1]
        result[name] = round(float(average_precision(scores[:, None], truth[:, None].astype(np.int8))[0]), 3)
    return result


def main() -> None:
    study = {
        "study": "scenes: drawing speed in images a second of one core, and AP of 'above' from position alone",
        "images_per_second": speeds(),
        "position_probe": {f"terraces={terraces:g}": position_probe(terraces=terraces) for terraces in (0.0, 1.0)},
        "labels_per_image": round(float(Scenes("train", count=4000, cache=False).targets.sum(axis=1).mean()), 2),
        "knobs": Knobs().text(),
        "machine": machine(),
    }
    write_json(STUDIES / "scenes_speed.json", study)
    print(json.dumps(study))


if __name__ == "__main__":
    main()
