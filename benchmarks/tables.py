"""Tables of results for README.md and studies/README.md, made from the files in `studies/`; a test keeps the pages in step.

python -m benchmarks.tables          # rewrites the tables between their marks
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.common import STUDIES, read_json

PAGES = (STUDIES.parent / "README.md", STUDIES / "README.md")
Study = dict[str, Any]
RELATION = {1.0: "with the rule", 0.0: "without the rule"}


def srn_atlas(study: Study) -> list[list[str]]:
    """AP of the labels by relation, for each corner of the grid."""
    arms = {"pooled": "pooled", "srn": "SRN", "shuffled": "SRN, places shuffled", "control": "matched control"}
    rows = [["scenes", "images", "receptive field", *arms.values()]]
    for row in study["summary"]:
        field = "small" if row["backbone"] == "small-narrow" else "large"
        figures = [row["arms"][arm]["relational_AP"] for arm in arms]
        rows.append([RELATION[row["relation"]], row["images"], field, *map(share, figures)])
    return rows


def msrn_atlas(study: Study) -> list[list[str]]:
    """Gains in mAP and in the AP of small theme members."""
    rows = [
        ["gain of", *(f"{what}, co-occurrence {row['cooccurrence']:g}" for row in study["summary"] for what in ("mAP", "small members"))]
    ]
    for title in study["summary"][0]["gains"]:
        cells = [row["gains"][title][measure] for row in study["summary"] for measure in ("mAP", "theme_AP_small")]
        rows.append([title, *(share(cell, sign=True) for cell in cells)])
    return rows


def disc_atlas(study: Study) -> list[list[str]]:
    """Loss on minus loss off: separation and AP by host."""
    rows = [["host", "look-alike", "inter / intra, off", "on", "on - off: mAP", "look-alike AP", "always together AP"]]
    for row in study["summary"]:
        ratios = [f"{row[arm]['ratio']['mean']:.1f}" for arm in ("off", "on")]
        gains = [share(row["on_minus_off"][measure], sign=True) for measure in ("mAP", "look_alike_AP", "cooccurring_AP")]
        rows.append([row["host"], f"{row['look_alike']:g}", *ratios, *gains])
    return rows


def relations(study: Study) -> list[list[str]]:
    """True pairs found by each read-out, with the rule and without."""
    rows = [["scenes", "model", "read-out", "true pairs found", "95 % interval", "false alarms"]]
    for row in study["summary"]:
        low, high = row["interval"]
        found = f"{row['found']} of {row['asked']}"
        world = "with the rule" if row["relation"] else "without the rule"
        alarms = f"{row['false_alarms']:.2f} of {row['unrelated']}"
        rows.append([world, row["arm"], row["readout"], found, f"{low:.2f} to {high:.2f}", alarms])
    return rows


def semantics(study: Study) -> list[list[str]]:
    """What MSRN's groups and embeddings say of the labels, beside chance."""
    rows = [["data", "seeds", "groups used", "largest share", "groups and themes, adjusted Rand"]]
    rows[0] += [f"cosine and correlation: {stage}" for stage in ("word vectors", "untrained", "trained")]
    for row in study["summary"]:
        name = row["data"] + {"graph": "", "nograph": ", without the graph"}[row["arm"]]
        figures = [row["rand"], *row["vectors"].values()]
        used = f"{row['used']['mean']:.1f} of {row['count']}"
        rows.append([name, row["seeds"], used, plain(row["largest"]), *(f"{plain(figure)} ({figure['beyond']})" for figure in figures)])
    return rows


def voc_study(study: Study) -> list[list[str]]:
    """mAP, gains and pointing on photos."""
    from benchmarks.voc_summary import rows

    return rows(study)


def trust(study: Study) -> list[list[str]]:
    """Every map of every model."""
    from benchmarks.trust_summary import rows

    return rows(study.get("rows", []))


def trust_short(study: Study) -> list[list[str]]:
    """On scenes, a model's first map and what stands beside it."""
    from benchmarks.trust_summary import rows, shortened

    return rows(shortened(study.get("rows", [])))


def ceiling(study: Study) -> list[list[str]]:
    """Every map of the shipped archives beside the best map at its grid."""
    from benchmarks.ceiling import rows

    return rows(study.get("rows", []))


def ceiling_by_size(study: Study) -> list[list[str]]:
    """Pointing on small and large objects."""
    from benchmarks.ceiling import by_size

    return by_size(study.get("rows", []))


TABLES: dict[str, Callable[[Study], list[list[str]]]] = {
    "atlas": srn_atlas,
    "msrn_atlas": msrn_atlas,
    "disc_atlas": disc_atlas,
    "relations": relations,
    "semantics": semantics,
    "voc_study": voc_study,
    "trust": trust,
    "trust__short": trust_short,
    "ceiling": ceiling,
    "ceiling__by_size": ceiling_by_size,
}


def share(value: Study, sign: bool = False) -> str:
    """A mean of shares with its half width, in points: "80.3 ± 17.5"."""
    mean = f"{100 * value['mean']:+.1f}" if sign else f"{100 * value['mean']:.1f}"
    return mean if value["half_width"] is None else f"{mean} ± {100 * value['half_width']:.1f}"


def plain(value: Study) -> str:
    """A mean with its half width: "0.41 ± 0.20"."""
    return f"{value['mean']:.2f}" if value["half_width"] is None else f"{value['mean']:.2f} ± {value['half_width']:.2f}"


def markdown(rows: list[list[str]]) -> str:
    head, *body = rows
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, ["---"] * len(head), *body))


def filled(page: str, folder: Path = STUDIES) -> str:
    """The page with every table between ``<!-- NAME -->`` and ``<!-- end -->`` made anew; of NAME__PART, NAME is the file."""

    def table(found: re.Match[str]) -> str:
        name = found.group(1)
        study = read_json(folder / f"{name.partition('__')[0]}.json", {"summary": []})
        return f"<!-- {name} -->\n{markdown(TABLES[name](study))}\n<!-- end -->"

    return re.sub(r"<!-- (\w+) -->\n.*?<!-- end -->", table, page, flags=re.DOTALL)


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text()))
