"""A page that compares runs: one file, readable offline, every number with its convention. Text from data is escaped, always."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from workbench.files import write_text
from workbench.inspection import Inspection
from workbench.metrics.pointing import SIZES, of_best, with_ceiling
from workbench.reports.against import against_published
from workbench.reports.collect import RunFacts
from workbench.reports.paired import paired
from workbench.reports.scored import calibration, labels, precision_recall, summary
from workbench.reports.tables import number, table
from workbench.widgets.style import STYLE

EXPLANATIONS = {
    "pointing": "share of present labels whose map has its maximum on the object; higher is better",
    "energy": "share of the map (its positive part) that lies on the object; higher is better",
    "relevance_rank": "of as many top pixels as the object has, the share that lies on it; higher is better",
    "iou@0.5": "overlap of the object with the pixels that reach half of the map's maximum; higher is better",
    "deletion": "area under the label's probability while the picture is painted over, most important pixels first; lower is better",
    "insertion": "the same while the picture comes back over its blurred self, most important pixels first; higher is better",
}
BY_SIZE = ("pointing", "energy")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src '{hash}'"
"""Nothing is fetched, and no script runs but the page's own."""
SECTIONS = (summary, against_published, paired, labels, precision_recall, calibration)
"""From the scores; behind them come the maps and the training."""


def write_report(runs: Sequence[RunFacts], path: Path, title: str = "Workbench report") -> Path:
    """Write the page that compares `runs` to `path`."""
    style, script = (files("workbench.reports").joinpath(f"report.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    policy = POLICY.format(hash="sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode())
    body = "\n".join(part for section in (*SECTIONS, _maps, _curves, _circumstances) if (part := section(runs)))
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_text(  # line ends as they are, because the hash is of this text
        path,
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>\n<style>{style}</style></head>\n'
        f"<body><main><h1>{escape(title)}</h1>\n{body}\n</main><script>{script}</script></body></html>\n",
    )


def _maps(runs: Sequence[RunFacts]) -> str:
    inspected = [(run.name, run.inspection) for run in runs if run.inspection is not None and run.inspection.measurements]
    if not inspected:
        return ""
    parts = ["<h2>Do the maps deserve trust?</h2>"]
    for name, inspection in inspected:
        measured = with_ceiling(inspection)
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
            rows.append((title, *(_figure(measured[key], kind) for key in measures), verdict))
        n = measured[measures[0]][kinds[0]].get("n", "")
        caption = (
            f"{name}: {len(inspection)} images, {n} present labels; mean over labels. Grey rows are references, not maps of the model. "
            "In brackets: the share of the best map at the same grid."
        )
        if leaked := measured.get("leakage"):
            caption += (
                f" Leakage: painting over one label's object moves the others by {number(leaked['other labels move'])} in probability on "
                f"average, itself by {number(leaked['the label itself moves'])}; painting elsewhere moves the others by "
                f"{number(leaked['other labels move when as much is painted elsewhere'])}."
            )
        numeric, own = set(range(1, len(measures) + 1)), len(inspection.map_kinds)
        parts.append(table(("map", *measures, "randomised weights"), rows, caption, numeric=numeric, muted_from=own))
        parts.append(_by_size(inspection, measured, name))
    parts.append("<dl>" + "".join(f"<dt>{key}</dt><dd>{escape(text)}</dd>" for key, text in EXPLANATIONS.items()))
    parts.append(
        f"<dt>{escape(STYLE['best_map']['title'])}</dt><dd>{escape(STYLE['best_map']['meaning'])}</dd>"
        "<dt>randomised weights</dt><dd>rank correlation of the map with that of the same network with fresh weights; "
        "near chance is good</dd></dl>"
    )
    return "\n".join(parts)


def _figure(entries: Mapping[str, Any], kind: str) -> str:
    """A figure, and what share of the best map's at the same grid it is."""
    entry = entries.get(kind, {})
    own, best = entry.get("overall"), entries.get(entry.get("ceiling"), {}).get("overall")
    return number(own) + (f" ({100 * own / best:.0f} %)" if own is not None and best else "")


def _by_size(inspection: Inspection, measured: Mapping[str, Any], name: str) -> str:
    """Each map beside the best one at its grid, for small and large objects."""
    rows = []
    for measure in BY_SIZE:
        entries = measured.get(measure, {})
        for kind, own in entries.items():
            if best := entries.get(own.get("ceiling")):
                sizes = [(own["by_size"][size], best["by_size"][size]) for size in SIZES]
                cells = [f"{of_best(one['overall'], other['overall'])}, n = {one['n']}" for one, other in sizes]
                rows.append((f"{measure}: {inspection.map_kinds[kind].title}", own["ceiling"], *cells))
    caption = f"{name}, by size of the object in cells of the map's grid, beside the best map at this grid"
    return table(("map", "best map", *SIZES), rows, caption) if rows else ""


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


def _flat(value: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _flat(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner
