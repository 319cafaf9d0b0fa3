"""A page that compares runs: one file, readable offline, every number with its convention. Text from data is escaped, always."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from workbench.reports.collect import RunFacts

EXPLANATIONS = {
    "pointing": "share of present labels whose map has its maximum on the object; higher is better",
    "energy": "share of the map (its positive part) that lies on the object; higher is better",
    "deletion": "area under the label's probability while the picture is painted over, most important pixels first; lower is better",
}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def write_report(runs: Sequence[RunFacts], path: Path, title: str = "Workbench report") -> Path:
    """Write the page that compares `runs` to `path`."""
    style = files("workbench.reports").joinpath("report.css").read_text(encoding="utf-8")
    body = "\n".join(section for section in (_summary(runs), _labels(runs), _maps(runs), _curves(runs), _circumstances(runs)) if section)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>\n<style>{style}</style></head>\n'
        f"<body><main><h1>{escape(title)}</h1>\n{body}\n</main></body></html>\n",
        encoding="utf-8",
    )
    return path


def _summary(runs: Sequence[RunFacts]) -> str:
    rows = []
    for run in runs:
        conventions = run.evaluations or {"": {}}
        for result in conventions.values():
            rows.append(
                (
                    run.name,
                    f"{100 * result['mAP']:.1f}" if result.get("mAP") is not None else "not evaluated",
                    result.get("convention", ""),
                    result.get("data", ""),
                    result.get("images", ""),
                    f"{run.seconds:.0f}",
                    run.history[-1].get("images", "") if run.history else "",
                )
            )
    caption = "mAP in percent, under the named convention; budget: training images through the backbone, all stages together"
    head = ("run", "mAP", "convention", "scored on", "images", "training s", "budget")
    return "<h2>Scores</h2>" + table(head, rows, caption, numeric={1, 4, 5, 6})


def _labels(runs: Sequence[RunFacts]) -> str:
    scored = [(run.name, next(iter(run.evaluations.values()))) for run in runs if run.evaluations]
    if not scored:
        return ""
    names = list(scored[0][1]["AP"])
    rows = [(name, *(_percent(result["AP"].get(name)) for _, result in scored)) for name in names]
    caption = f"average precision of each label in percent, convention {scored[0][1]['convention']}; the best of a row is bold"
    return "<h2>Labels</h2>" + table(
        ("label", *(name for name, _ in scored)), rows, caption, numeric=set(range(1, len(scored) + 1)), bold_best=True
    )


def _maps(runs: Sequence[RunFacts]) -> str:
    inspected = [(run.name, run.inspection) for run in runs if run.inspection is not None and run.inspection.measurements]
    if not inspected:
        return ""
    parts = ["<h2>Do the maps deserve trust?</h2>"]
    for name, inspection in inspected:
        measured = inspection.measurements
        measures = [key for key in EXPLANATIONS if key in measured]
        if not measures:
            continue
        kinds = list(measured[measures[0]])
        sanity = measured.get("sanity", {})
        rows = []
        for kind in kinds:
            title = inspection.map_kinds[kind].title if kind in inspection.map_kinds else kind
            check = sanity.get(kind)
            verdict = f"{check['verdict']} ({check['rank_correlation']:.2f}, chance {check['baseline']:.2f})" if check else ""
            rows.append((title, *(_number(measured[key].get(kind, {}).get("overall")) for key in measures), verdict))
        n = measured[measures[0]][kinds[0]].get("n", "")
        caption = (
            f"{name}: {len(inspection)} images, {n} present labels; mean over labels. Grey rows are references, not maps of the model."
        )
        parts.append(
            table(
                ("map", *measures, "randomised weights"),
                rows,
                caption,
                numeric=set(range(1, len(measures) + 1)),
                muted_from=len(inspection.map_kinds),
            )
        )
    parts.append("<dl>" + "".join(f"<dt>{key}</dt><dd>{escape(text)}</dd>" for key, text in EXPLANATIONS.items()))
    parts.append(
        "<dt>randomised weights</dt><dd>rank correlation of the map with that of the same network with fresh weights; "
        "near chance is good</dd></dl>"
    )
    return "\n".join(parts)


def _curves(runs: Sequence[RunFacts]) -> str:
    histories = {run.name: run.history for run in runs if run.history}
    if not histories:
        return ""
    try:
        from workbench.widgets.curves import training_curves
    except ModuleNotFoundError as error:  # plotly comes with exploring, which a training machine may do without
        return f'<p>The training curves need {escape(str(error.name))}; install it with pip install -e ".[explore]".</p>'
    return "<h2>Training</h2>" + training_curves(histories).bundle()["text/html"]


def _circumstances(runs: Sequence[RunFacts]) -> str:
    rows = []
    for run in runs:
        for key, value in _flat(run.environment):
            rows.append((run.name, key, value))
    return "<details><summary>Where and with what this was made</summary>" + table(("run", "what", "value"), rows, "") + "</details>"


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[Any]],
    caption: str,
    *,
    numeric: set[int] = frozenset(),  # type: ignore[assignment]
    bold_best: bool = False,
    muted_from: int | None = None,
) -> str:
    """An HTML table; every cell is escaped. `numeric` columns are aligned right; rows from `muted_from` on are grey."""
    parts = [f"<table><caption>{escape(caption)}</caption><thead><tr>"]
    parts += [f'<th scope="col"{_aligned(column in numeric)}>{escape(name)}</th>' for column, name in enumerate(head)]
    parts.append("</tr></thead><tbody>")
    for position, row in enumerate(rows):
        values = [str(value) for value in row]
        best = max((value for column, value in enumerate(values) if column in numeric), key=_as_number, default=None) if bold_best else None
        muted = ' class="muted"' if muted_from is not None and position >= muted_from else ""
        cells = [
            f"<td{_aligned(column in numeric)}>{'<strong>' if column in numeric and value == best else ''}{escape(value)}"
            f"{'</strong>' if column in numeric and value == best else ''}</td>"
            for column, value in enumerate(values)
        ]
        parts.append(f"<tr{muted}>{''.join(cells)}</tr>")
    parts.append("</tbody></table>")
    return "".join(parts)


def _aligned(number: bool) -> str:
    return ' class="number"' if number else ""


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("-inf")


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _flat(value: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _flat(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner
