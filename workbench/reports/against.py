"""Ours beside published figures. A difference is formed only where images and kind of average precision are the same."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from workbench.reports.collect import RunFacts
from workbench.reports.published import Published, all_published, published_for
from workbench.reports.scored import kind_of
from workbench.reports.tables import NONE, percent, table

HEAD = ("system", "tag", "network", "AP", "mAP", "CF1", "OF1", "top-3 CF1", "top-3 OF1", "ours − theirs", "source", "to know")
FIGURES = ("CF1", "OF1", "top3 CF1", "top3 OF1")


def against_published(runs: Sequence[RunFacts]) -> str:
    """A table for each run and each whole official split that it was scored on."""
    parts, sources = [], list(dict.fromkeys(row.source for row in all_published() if row.source))
    for run in runs:
        by_data: dict[str, list[dict[str, Any]]] = {}
        for result in run.evaluations.values():
            if published_for(result):
                by_data.setdefault(f"{result['data']}, {result['images']:,} images", []).append(result)
        parts += [_table(run, data, results, sources) for data, results in by_data.items()]
    if not parts:
        return ""
    note = (
        "Figures tagged “published” stand in other people’s papers; none was measured here. A difference of mAP, in points, is given only "
        "where the images and the kind of average precision are the same; precision, recall and F1 stand beside each other only under the "
        "same convention. Grey rows are context and must not be held against ours. Pre-training and recipe move mAP more than heads do."
    )
    listed = "".join(f"<li>{escape(source)}</li>" for source in sources)
    return f'<h2>Beside published figures</h2>{"".join(parts)}<p>{escape(note)}</p><ol class="sources">{listed}</ol>'


def _table(run: RunFacts, data: str, results: list[dict[str, Any]], sources: list[str]) -> str:
    theirs = published_for(results[0])
    fair = [row for row in theirs if isinstance(row.difference(results[0]), float)]
    context = [row for row in theirs if row not in fair]
    network = _network(run.recipe.get("model", {}).get("backbone", ""), run.recipe.get("image_size"))
    rows: list[tuple[Any, ...]] = []
    for kind in dict.fromkeys(row.ap for row in theirs):
        value = results[0].get("mAP by kind", {}).get(kind)
        # F1 goes with the one convention whose average precision is of this kind, so that each row is of one convention.
        counted = [result for result in results if kind_of(result) == kind and result.get("chosen") == "fixed"]
        for result in counted or (None,):
            f1 = [percent(_ours(result, key)) if result else NONE for key in FIGURES]
            note = f"convention {result['convention']}" if result else "no F1: no evaluation of this kind"
            rows.append((run.name, "ours, measured", network, kind, percent(value), *f1, "", "", note))
    rows += [_row(row, results[0], sources) for row in fair]
    muted = len(rows)
    rows += [_row(row, results[0], sources) for row in context]
    return table(HEAD, rows, f"{run.name} on {data}; in percent", numeric={4, 5, 6, 7, 8, 9}, muted_from=muted)


def _row(row: Published, result: dict[str, Any], sources: list[str]) -> tuple[Any, ...]:
    gap = row.difference(result)
    figures = [f"{row.figures[key]:.1f}" if key in row.figures else NONE for key in ("mAP", *FIGURES)]
    f1 = f"F1 under convention {row.preset}" if row.preset else ""
    said = "; ".join(text for text in (row.note, f1, gap if isinstance(gap, str) else "") if text)
    shown = f"{gap:+.1f}" if isinstance(gap, float) else "not comparable"
    source = f"[{sources.index(row.source) + 1}]" if row.source else "not at hand"
    return row.system, "published", _network(row.backbone, row.image_size), row.ap, *figures, shown, source, said


def _ours(result: dict[str, Any], key: str) -> float | None:
    group, _, name = key.rpartition(" ")
    return result.get(group or "all", {}).get(name)


def _network(backbone: str, size: int | None) -> str:
    return f"{backbone}, {size} px" if size else backbone
