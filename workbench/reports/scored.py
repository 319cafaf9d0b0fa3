"""Sections of a page that come from evaluations and the scores behind them: figures, labels, precision and recall, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from workbench.metrics import average_precision, bootstrap, reliability
from workbench.metrics.conventions import PRESETS
from workbench.metrics.ranking import curve_at, rank_classes
from workbench.reports.collect import RunFacts
from workbench.reports.drawing import Line, small_chart, unit_chart
from workbench.reports.published import words
from workbench.reports.scores import Scores
from workbench.reports.tables import NONE, Markup, number, percent, table

RECALLS = np.linspace(0, 1, 51)
MOST_RESAMPLES = 1000
WORK = 4e8
"""Resamples times scores up to which an interval is worth waiting for."""


def kind_of(result: dict[str, Any]) -> str:
    """Kind of average precision of an evaluation's convention."""
    preset = PRESETS.get(result["convention"])
    return preset.ap if preset else "plain"


def resamples_for(scores: Scores) -> int:
    """How many bootstrap resamples a page draws: fewer for large sets, whose intervals are narrow anyway."""
    return int(np.clip(WORK / max(scores.logits.size, 1), 100, MOST_RESAMPLES))


def chosen(runs: Sequence[RunFacts]) -> list[tuple[RunFacts, dict[str, Any]]]:
    """One evaluation of each run: under the first convention that all of them share, else each run's first."""
    scored = [run for run in runs if run.evaluations]
    shared = [name for name in scored[0].evaluations if all(name in run.evaluations for run in scored)] if scored else []
    return [(run, run.evaluations[shared[0]] if shared else next(iter(run.evaluations.values()))) for run in scored]


def summary(runs: Sequence[RunFacts]) -> str:
    """Every evaluation of every run, and what its convention means."""
    rows, meanings, counts = [], {}, set()
    for run in runs:
        for result in run.evaluations.values() or [{}]:
            scores, interval = run.scores_of(result) if result else None, ""
            if scores:
                resamples = resamples_for(scores)
                found = bootstrap(scores.logits, scores.targets, kind_of(result), resamples=resamples)
                interval = f"{percent(found.low)} to {percent(found.high)}"
                counts.add(str(resamples))
            if result:
                meanings[result["convention"]] = result.get("description") or words(result["convention"])
            figures = result.get("all", {})
            rows.append(
                (
                    run.name,
                    percent(result.get("mAP")) if result else "not evaluated",
                    interval,
                    *(percent(figures.get(key)) for key in ("CF1", "OF1")),
                    *(percent(result.get(key, {}).get("CF1")) for key in ("top3", "top3_exact")),
                    result.get("convention", ""),
                    _threshold(result),
                    result.get("data", ""),
                    result.get("images", ""),
                    f"{run.seconds:.0f}",
                    run.history[-1].get("images", "") if run.history else "",
                )
            )
    caption = "in percent, under the named convention; budget: training images through the backbone, all stages together"
    if counts:
        caption += f"; the interval holds 95 % of {' or '.join(sorted(counts))} bootstrap resamples of the scored images"
    head = ("run", "mAP", "interval", "CF1", "OF1", "top-3 CF1", "exactly top 3", "convention", "threshold", "scored on", "images")
    text = "".join(f"<dt>{escape(name)}</dt><dd>{escape(meaning)}</dd>" for name, meaning in meanings.items())
    found_table = table((*head, "training s", "budget"), rows, caption, numeric={1, 2, 3, 4, 5, 6, 10, 11, 12}, sortable=len(rows) > 1)
    return f"<h2>Scores</h2>{found_table}" + (f"<dl>{text}</dl>" if text else "")


def labels(runs: Sequence[RunFacts]) -> str:
    """A row for each label, to be sorted."""
    results = chosen(runs)
    if not results:
        return ""
    same = len({(result["convention"], result.get("data"), result.get("images")) for _, result in results}) == 1
    behind = [run.scores_of(result) for run, result in results]
    curves = [_curves(scores) if scores else {} for scores in behind]
    detailed = len(results) == 1
    head = ["label"] + (["present"] if same and behind[0] else [])
    for run, result in results:
        title = run.name if same else f"{run.name}, {result['convention']}, {result.get('data', '')}"
        head += ["AP", "P", "R", "F1"] if detailed else [title]
    pictured = any(curves)
    rows = []
    for name in results[0][1]["AP"]:
        row: list[Any] = [name]
        if same and behind[0]:
            row.append(int((behind[0].targets[:, behind[0].categories.index(name)] == 1).sum()))
        for _, result in results:
            row.append(percent(result["AP"].get(name)))
            if detailed:
                row += [percent(result.get("labels", {}).get(name, {}).get(key)) for key in ("P", "R", "F1")]
        if pictured:
            lines = [Line("", RECALLS, curve[name]) if name in curve else Line("", RECALLS[:0], RECALLS[:0]) for curve in curves]
            drawable = any(np.isfinite(line.y).any() for line in lines)
            row.append(small_chart(lines, f"precision against recall of {name}") if drawable else NONE)
        rows.append(row)
    first = len(head) - (4 if detailed else len(results))
    conventions = ", ".join(dict.fromkeys(result["convention"] for _, result in results))
    caption = f"in percent, convention {conventions}; choose a heading to sort"
    caption += "; AP: average precision" if detailed else f"; average precision{', the best of a row is bold' if same else ''}"
    numeric = set(range(1, len(head)))
    if pictured:
        head.append("P against R")
    bold = same and not detailed
    found = table(head, rows, caption, numeric=numeric, bold_best=bold, bold_from=first, sortable=True)
    return f"<h2>Labels</h2>{found}"


def precision_recall(runs: Sequence[RunFacts]) -> str:
    """Precision at each recall, the mean over labels."""
    lines, area = [], []
    for run, result in chosen(runs):
        scores = run.scores_of(result)
        if scores:
            curves = [curve for curve in _curves(scores).values() if np.isfinite(curve).all()]
            if curves:
                ap = average_precision(scores.logits, scores.targets)
                name = f"{run.name} on {scores.data}"
                lines.append(Line(name, RECALLS, np.mean(curves, axis=0)))
                area.append(f"{name}: plain mAP {percent(float(np.nanmean(ap)))}")
    if not lines:
        return ""
    text = f"Precision against recall, mean over labels. {'; '.join(area)}."
    chart = unit_chart(lines, "recall", "precision", text)
    note = "Precision at the first threshold that reaches a recall, mean over the labels that are present somewhere. Unknown left out."
    return f'<h2>Precision and recall</h2><div class="charts"><figure>{chart}<figcaption>{note}</figcaption></figure></div>'


def calibration(runs: Sequence[RunFacts]) -> str:
    """How often labels come true, by the probability that was given to them."""
    lines, rows = [], []
    for run, result in chosen(runs):
        scores = run.scores_of(result)
        if scores:
            found = reliability(scores.logits, scores.targets, scores="logits")
            said, true, count = found.curve()
            lines.append(Line(f"{run.name} on {scores.data}", said, true, dots=True))
            unsure = count[1:-1].sum() / max(count.sum(), 1)
            rows.append((run.name, number(found.ece), percent(float(unsure)), len(count)))
    if not lines:
        return ""
    worst = ", ".join(f"{name} {error}" for name, error, *_ in rows)
    chart = unit_chart(lines, "probability given", "share present", f"Calibration; expected calibration error: {worst}.", diagonal=True)
    note = "All labels in one pot, unknown left out; on the diagonal a label given 0.7 is present in 7 of 10 cases. Below it: too sure."
    head = ("run", "calibration error", "neither first nor last bin", "bins")
    caption = "expected calibration error, and the share of entries (percent) that make up the inner points of the curve"
    figure = f'<div class="charts"><figure>{chart}<figcaption>{note}</figcaption></figure></div>'
    return f"<h2>Calibration</h2>{figure}" + table(head, rows, caption, numeric={1, 2, 3})


def _curves(scores: Scores) -> dict[str, np.ndarray]:
    """Precision at each of `RECALLS`, by label; NaN for one that is nowhere present."""
    ranked = rank_classes(scores.logits, scores.targets)
    return {name: curve_at(one, RECALLS) for name, one in zip(scores.categories, ranked, strict=True)}


def _threshold(result: dict[str, Any]) -> str | Markup:
    value = result.get("threshold")
    if value is None:
        return ""
    said = "one for each label" if isinstance(value, dict) else f"{value:.3g}"
    return f"{said}, {result.get('chosen', '')}".rstrip(", ")
