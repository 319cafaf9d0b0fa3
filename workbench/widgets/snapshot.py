"""What an explorer shows, as a still figure that stays in the notebook when the kernel is gone.

JupyterLab cleans the HTML of a notebook that it does not trust: script, style, iframe and svg are dropped; figure, img with a data URI,
details and table stay.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.metrics.pointing import SIZES, of_best, with_ceiling
from workbench.widgets.matching import Matched, Member
from workbench.widgets.payload import ADDED_UP_TO
from workbench.widgets.picture import lines_of, panes_png
from workbench.widgets.style import STYLE

ROWS = 12  # labels in the table


def snapshot_html(matched: Matched, view: Mapping[str, Any]) -> str:
    """A ``<figure>`` with the panes as a PNG, their text alternative, a caption and a table of the numbers."""
    text = html.escape(describe(matched, view))
    picture = base64.b64encode(panes_png(matched, view)).decode()
    return (
        f'<figure class="workbench-snapshot"><img src="data:image/png;base64,{picture}" alt="{text}">'
        f"<figcaption>{text} <em>Still picture: run the cell to explore.</em></figcaption>"
        f"<details><summary>The numbers</summary>{_table(matched, view)}</details></figure>"
    )


def describe(matched: Matched, view: Mapping[str, Any]) -> str:
    """The picture in words."""
    image, label = matched.position(view["image"]), matched.categories.index(view["label"])
    rows = []
    for member in matched.members:
        state = STYLE["states"][state_of(matched, member, image, label)]["word"]
        lines = [", ".join(kind.title if kind else "photo" for kind in kinds) for kinds in lines_of(member)]
        shown = f"left to right: {'; below: '.join(lines)}"
        rows.append(f"{member.name} gives it {_probability(member.logits()[image, label]):.2f} ({state}); {shown}")
    return f"Where {_and(matched)} for “{view['label']}” in image {view['image']}. {'. '.join(rows)}."


def state_of(matched: Matched, member: Member, image: int, label: int) -> str:
    """TP, FP, FN, TN or unknown."""
    target, predicted = int(matched.targets[image, label]), bool(member.logits()[image, label] >= member.cut)
    return "unknown" if target < 0 else {(1, True): "TP", (0, True): "FP", (1, False): "FN", (0, False): "TN"}[target, predicted]


def _and(matched: Matched) -> str:
    names = [member.name for member in matched.members]
    return f"{names[0]} looks" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} look"


def _table(matched: Matched, view: Mapping[str, Any]) -> str:
    """Scores of the chosen, the present and the best-scored labels, and the measurements of the active model's maps."""
    image, label = matched.position(view["image"]), matched.categories.index(view["label"])
    best = np.max([member.logits()[image] for member in matched.members], axis=0)
    order = sorted(range(len(best)), key=lambda each: (each != label, matched.targets[image, each] != 1, -best[each]))[:ROWS]
    head = "".join(f"<th>{html.escape(member.name)}</th>" for member in matched.members)
    body = []
    for each in order:
        cells = []
        for member in matched.members:
            steps = [member.logits(name)[image, each] for name in member.inspection.logit_kinds]
            shown = " → ".join(f"{_probability(logit):.2f}" for logit in steps)
            cells.append(f"<td>{shown} {state_of(matched, member, image, each)}</td>")
        body.append(f"<tr><th>{html.escape(matched.categories[each])}</th>{''.join(cells)}</tr>")
    kinds = " → ".join(html.escape(kind.title) for kind in matched.first.inspection.logit_kinds.values())
    scores = (
        f"<table><caption>Probability ({kinds})</caption><thead><tr><th>label</th>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
    )
    member = matched.members[view["model"]]
    measurements = with_ceiling(member.inspection, most=ADDED_UP_TO, maps=False)
    return scores + _parts(member, image, label) + _measured(member, measurements, view["label"]) + _against(member, measurements, view)


def _parts(member: Member, image: int, label: int) -> str:
    """The addends of the score, down to the score itself."""
    kinds = member.inspection.part_kinds
    if not kinds:
        return ""
    row, column = int(member.rows[image]), int(member.columns[label])
    found = [(kind.title, float(member.inspection.parts(name)[row, column])) for name, kind in kinds.items()]
    found.append(("together", float(member.logits(member.inspection.decomposes)[image, label])))
    body = "".join(f"<tr><th>{html.escape(title)}</th><td>{value:.3f}</td></tr>" for title, value in found)
    return f"<table><caption>What the score is made of (logit)</caption><tbody>{body}</tbody></table>"


def _measured(member: Member, measurements: Mapping[str, Any], label: str) -> str:
    rows = []
    for measure, entries in measurements.items():
        for name, entry in entries.items() if isinstance(entries, Mapping) else ():
            if not isinstance(entry, Mapping) or not ("overall" in entry or "verdict" in entry):
                continue
            kind = member.inspection.map_kinds.get(name)
            own = (entry.get("per_label") or {}).get(label)
            title = STYLE["measures"].get(measure, {"title": measure})["title"]
            together = entry["verdict"] if "verdict" in entry else _number(entry["overall"])
            cells = (title, kind.title if kind else name, _number(own), together)
            rows.append("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>")
    if not rows:
        return "<p>Maps: not measured.</p>"
    head = f"<tr><th>measure</th><th>map</th><th>{html.escape(label)}</th><th>all labels</th></tr>"
    return f"<table><caption>How far the maps can be trusted</caption><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _against(member: Member, measurements: Mapping[str, Any], view: Mapping[str, Any]) -> str:
    """The active map against the best map of its grid: this label, all labels, then objects by their size in cells."""
    kind, label = view["map"], view["label"]
    rows, title = [], ""
    for measure, entries in measurements.items():
        own = entries.get(kind) if isinstance(entries, Mapping) else None
        if not isinstance(own, Mapping) or own.get("ceiling") not in entries:
            continue
        title = f"{member.inspection.map_kinds[kind].title} of the {own['ceiling']}, and by size of the object"
        pair = own, entries[own["ceiling"]]
        known = [tuple(entry.get("per_label", {}).get(label) for entry in pair), tuple(entry.get("overall") for entry in pair)]
        known += [tuple(entry.get("by_size", {}).get(size, {}).get("overall") for entry in pair) for size in SIZES]
        cells = [STYLE["measures"].get(measure, {"title": measure})["title"], *(of_best(*each) for each in known)]
        rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    if not rows:
        return ""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ("measure", label, "all labels", *SIZES))
    return f"<table><caption>{html.escape(title)}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _number(value: Any) -> str:
    return "–" if value is None else f"{value:.2g}"


def _probability(logit: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(logit, -80, 80))))
