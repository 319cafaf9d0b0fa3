"""Synthetic inspections for tests and timings: drawn pictures, maps that look at the drawn objects, every part on request.

The images depend on `seed` alone, so that two inspections with the same seed and another `model_seed` are two models on the same images.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from workbench.categories import Categories
from workbench.inspection import Inspection, InspectionContents, LogitKind, MapKind
from workbench.regions import Region

HOSTILE_NAME = "<img src=x onerror=alert(1)>"
NAMES = ["sun", "ball", "roof", "tree", "boat", "bird", "kite", "cloud", "lamp", "door", "fence", "flag", "moon", "star", "fish", "hill"]
COLOURS = ["#f2b134", "#d1495b", "#8d5b4c", "#3f7d52", "#2e6f95", "#5f5aa2", "#e07a5f", "#dfe7ec", "#f4d35e", "#7a4b3a"]

ATTENTION = MapKind(
    "attention", "Attention A", "Where the label looks; the cells of one label add up to one.", "magnitude", sums_to="one", logit="att"
)
CONFIDENCE = MapKind("confidence", "Confidence σ(S)", "How sure the label is at each cell on its own.", "unit", transform="sigmoid")
WEIGHTED = MapKind("weighted", "Weighted U = σ(S)·A", "Attention, damped where the label is not confident.", "magnitude", logit="sr")
ACTIVATION = MapKind(
    "class_activation", "Class activation", "What each cell adds to the logit.", "signed", sums_to="logit - bias", logit="final"
)
SRN_LOGITS = (
    LogitKind("cls", "y_cls", "The main network alone."),
    LogitKind("sr", "y_sr", "The regularisation branch alone."),
    LogitKind("final", "y", "The mean of both; decisions are taken from it."),
)


def make_contents(
    count: int = 12,
    categories: int | Sequence[str] = 6,
    *,
    grid: tuple[int, int] = (7, 7),
    picture: tuple[int, int] = (96, 96),
    frame: tuple[int, int] = (64, 64),
    system: str = "srn",
    top: int | None = None,
    regions: bool = True,
    each: bool = True,
    measured: bool = True,
    hostile: bool = False,
    unknown: bool = True,
    seed: int = 0,
    model_seed: int = 0,
    skill: float = 1.0,
    order: Sequence[int] | None = None,
    name: str | None = None,
) -> InspectionContents:
    """Contents of a synthetic archive.

    Args:
        categories: how many, or their names.
        system: "srn" (three map kinds, three sets of logits, relations) or "pooled" (one signed map kind, one set of logits).
        top: store maps of the present and the `top` best-scored labels only.
        each: keep the relations of every image too.
        hostile: the second category is called `HOSTILE_NAME`.
        unknown: some targets are -1.
        skill: how far present and absent labels' logits are apart.
        order: put the images into this order.
    """
    names = (
        [*NAMES, *(f"thing {number}" for number in range(len(NAMES), 999))][:categories]
        if isinstance(categories, int)
        else list(categories)
    )
    if hostile:
        names[1] = HOSTILE_NAME
    world = np.random.default_rng([seed, 1])
    centres = world.uniform(0.18, 0.82, (count, len(names), 2))  # y, x
    radii = world.uniform(0.09, 0.16, (count, len(names)))
    targets = (world.random((count, len(names))) < min(0.5, 3.0 / len(names))).astype(np.int8)
    targets[np.arange(count), np.arange(count) % len(names)] = 1
    sizes = np.where(world.random((count, 1)) < 0.5, [[300, 400]], [[400, 320]]).astype(np.int32)
    pictures = [_draw(picture, centres[i], radii[i], np.flatnonzero(targets[i] == 1)) for i in range(count)]
    objects = [_regions(names, frame, picture, centres[i], radii[i], np.flatnonzero(targets[i] == 1)) for i in range(count)]
    if unknown:
        targets[(world.random(targets.shape) < 0.03) & (targets == 0)] = -1
    model = np.random.default_rng([seed, model_seed, 2])
    logits = _logits(system, targets, model, skill)
    maps, kinds = _maps(system, grid, centres, radii, targets, model)
    labels = _strongest(targets, logits["final"], top) if top is not None else None
    if labels is not None:
        maps = {kind: values[np.arange(count)[:, None], np.maximum(labels, 0)] for kind, values in maps.items()}
    kept = np.arange(count) if order is None else np.asarray(order)
    relations = _relations(len(names), count if each else 0, model) if system == "srn" else None
    return InspectionContents(
        categories=Categories(names),
        ids=[f"scene-{number:04d}" for number in kept],
        images=[pictures[number] for number in kept],
        sizes=sizes[kept],
        frame=frame,
        picture=picture,
        targets=targets[kept],
        logits={key: value[kept] for key, value in logits.items()},
        logit_kinds=SRN_LOGITS if system == "srn" else (LogitKind("final", "y", "The model's answer."),),
        scored="final",
        maps={key: value[kept] for key, value in maps.items()},
        map_kinds=kinds,
        map_labels={} if labels is None else {kind.name: labels[kept] for kind in kinds},
        regions=[objects[number] for number in kept] if regions else None,
        relations={"regularisation": relations[0]} if relations else {},
        relations_each={"regularisation": relations[1][kept]} if relations and each else {},
        relation_titles={"regularisation": "Influence through the regularisation branch"} if relations else {},
        measurements=_measurements(names, kinds, model) if measured else {},
        provenance={"name": name or system},
    )


def make_inspection(*arguments: Any, **options: Any) -> Inspection:
    """`make_contents`, opened in memory."""
    return Inspection.of(make_contents(*arguments, **options))


def save_archive(path: Path, *arguments: Any, **options: Any) -> Path:
    """`make_contents`, written to `path`."""
    return make_contents(*arguments, **options).save(path)


def make_huge(count: int = 5000, categories: int = 80, grid: tuple[int, int] = (28, 28), picture: int = 448) -> InspectionContents:
    """An archive too large to read at once (600 MB as it stands): a few pictures and maps, repeated under different labels and images."""
    few = make_contents(24, categories, grid=grid, picture=(picture, picture), frame=(picture, picture), system="pooled", name="huge")
    turn = np.arange(count) % 24
    random = np.random.default_rng(3)
    few.targets, few.sizes = few.targets[turn], few.sizes[turn]
    few.logits = {"final": few.logits["final"][turn] + random.normal(0, 0.5, (count, categories)).astype(np.float32)}
    few.maps = {kind: values[turn] for kind, values in few.maps.items()}
    few.images = [few.images[source] for source in turn]
    few.regions = [few.regions[source] for source in turn] if few.regions else None
    few.ids = [f"photo-{number:05d}" for number in range(count)]
    return few


def _draw(size: tuple[int, int], centres: np.ndarray, radii: np.ndarray, present: np.ndarray) -> bytes:
    height, width = size
    horizon = 0.62
    picture = Image.new("RGB", (2 * width, 2 * height), "#cfe3ee")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 2 * height * horizon, 2 * width, 2 * height), fill="#b9cc9a")
    for label in present:
        y, x, r = *(centres[label] * [2 * height, 2 * width]), radii[label] * 2
        box = (x - r * width, y - r * height, x + r * width, y + r * height)
        colour = COLOURS[label % len(COLOURS)]
        if label % 3 == 2:
            draw.polygon([(x, box[1]), (box[2], box[3]), (box[0], box[3])], fill=colour)
        elif label % 3 == 1:
            draw.rounded_rectangle(box, radius=r * width / 3, fill=colour)
        else:
            draw.ellipse(box, fill=colour)
    buffer = io.BytesIO()
    picture.resize((width, height), Image.Resampling.BILINEAR).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def _regions(names, frame, picture, centres, radii, present) -> list[Region]:
    rows, columns = np.mgrid[0 : picture[0], 0 : picture[1]]
    result = []
    for label in present:
        y, x = centres[label]
        r = radii[label]
        mask = ((rows + 0.5) / picture[0] - y) ** 2 + ((columns + 0.5) / picture[1] - x) ** 2 <= r * r
        box = ((x - r) * frame[1], (y - r) * frame[0], (x + r) * frame[1], (y + r) * frame[0])
        result.append(Region(names[label], box, mask if label % 4 != 3 else None, difficult=bool(label % 5 == 4)))
    return result


def _logits(system: str, targets: np.ndarray, model: np.random.Generator, skill: float) -> dict[str, np.ndarray]:
    truth = np.where(targets == 1, 1.8, -2.2) * skill
    cls = (truth + model.normal(0, 1.9, targets.shape)).astype(np.float32)
    if system != "srn":
        return {"final": cls}
    sr = (truth + model.normal(0, 1.5, targets.shape)).astype(np.float32)
    return {"cls": cls, "sr": sr, "final": (cls + sr) / 2}


def _maps(system, grid, centres, radii, targets, model) -> tuple[dict[str, np.ndarray], tuple[MapKind, ...]]:
    rows = ((np.arange(grid[0]) + 0.5) / grid[0])[:, None]
    columns = ((np.arange(grid[1]) + 0.5) / grid[1])[None, :]
    shift = np.where(targets == 1, 0.0, 0.25)[:, :, None] * model.normal(0, 1, centres.shape)
    y, x = np.moveaxis(centres + shift + model.normal(0, 0.02, centres.shape), 2, 0)[:, :, :, None, None]
    distance = ((rows - y) ** 2 + (columns - x) ** 2) / (radii[:, :, None, None] ** 2)  # [N, C, h, w]
    bump = np.exp(-distance) + 0.05 * model.random(distance.shape)
    strength = np.where(targets == 1, 1.0, 0.35)[:, :, None, None]
    if system != "srn":
        return {"class_activation": (4 * bump * strength - 0.8).astype(np.float16)}, (ACTIVATION,)
    scores = np.exp(4 * bump)
    attention = scores / scores.sum(axis=(2, 3), keepdims=True)
    confidence = 7 * bump * strength - 3.5
    weighted = attention / (1 + np.exp(-confidence))
    values = {"attention": attention, "confidence": confidence, "weighted": weighted}
    return {key: value.astype(np.float16) for key, value in values.items()}, (ATTENTION, CONFIDENCE, WEIGHTED)


def _strongest(targets: np.ndarray, logits: np.ndarray, top: int) -> np.ndarray:
    """Labels [N, K] whose maps are kept: the present ones, then the best-scored ones, -1 for unused places."""
    rows = []
    for target, logit in zip(targets, logits, strict=True):
        present = list(np.flatnonzero(target == 1))
        rows.append(present + [label for label in np.argsort(-logit) if label not in present][:top])
    width = max(len(row) for row in rows)
    return np.array([row + [-1] * (width - len(row)) for row in rows], dtype=np.int16)


def _relations(categories: int, count: int, model: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    mean = model.normal(0, 0.15, (categories, categories))
    mean[0, 2 % categories], mean[1, 2 % categories] = 1.1, -0.9
    each = mean + model.normal(0, 0.1, (count, categories, categories))
    return mean.astype(np.float32), each.astype(np.float16)


def _measurements(names: Sequence[str], kinds: Sequence[MapKind], model: np.random.Generator) -> dict[str, Any]:
    def rows(low: float, high: float) -> dict[str, Any]:
        return {"overall": float(model.uniform(low, high)), "per_label": {name: float(model.uniform(low, high)) for name in names}, "n": 30}

    measured: dict[str, Any] = {}
    for measure in ("pointing", "energy"):
        measured[measure] = {kind.name: rows(0.5, 0.95) for kind in kinds} | {"random map": rows(0.02, 0.1), "centre blob": rows(0.1, 0.2)}
    measured["deletion"] = {kind.name: rows(0.2, 0.4) for kind in kinds} | {"random map": rows(0.5, 0.7)}
    measured["sanity"] = {
        kind.name: {
            "rank_correlation": 0.08,
            "baseline": 0.97,
            "verdict": "sensitive",
            "meaning": "The map changes when the weights are replaced by random ones, as it should.",
        }
        for kind in kinds
    }
    return measured
