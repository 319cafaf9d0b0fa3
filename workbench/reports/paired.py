"""The first run against each other one, on the same resampled images: is the difference more than the choice of images?"""

from __future__ import annotations

from collections.abc import Sequence

from workbench.metrics import paired_bootstrap
from workbench.reports.collect import RunFacts
from workbench.reports.scored import chosen, kind_of, resamples_for
from workbench.reports.tables import table

MOST_NAMED = 8


def paired(runs: Sequence[RunFacts]) -> str:
    """Difference of mAP with its interval, and the labels that differ; empty unless two runs were scored on the same images."""
    found = [(run, result, scores) for run, result in chosen(runs) if (scores := run.scores_of(result))]
    if len(found) < 2:
        return ""
    first, result, ours = found[0]
    rows, left_out = [], []
    for run, other_result, theirs in found[1:]:
        if not ours.same_images(theirs) or kind_of(result) != kind_of(other_result):
            left_out.append(run.name)
            continue
        resamples = resamples_for(ours)
        gap = paired_bootstrap(ours.logits, theirs.logits, ours.targets, kind_of(result), resamples=resamples)
        names = list(ours.categories)
        ahead = [names[c] for c, (_, low, _) in enumerate(gap.per_class) if low > 0]
        behind = [names[c] for c, (_, _, high) in enumerate(gap.per_class) if high < 0]
        interval = f"{100 * gap.low:+.1f} to {100 * gap.high:+.1f}"
        share = f"{100 * gap.share_above:.0f}"
        rows.append((f"{first.name} − {run.name}", f"{100 * gap.value:+.1f}", interval, share, _named(ahead), _named(behind), resamples))
    if not rows:
        return ""
    caption = (
        f"difference of mAP ({kind_of(result)} AP) in points on {ours.data}; interval: 95 % of paired bootstrap resamples of the images; "
        "ahead: percent of the resamples in which the first run is; labels: those whose own interval leaves out 0, of which one in twenty "
        "does by chance. Another seed of training is not in the interval."
    )
    if left_out:
        caption += f" Scored on other images or under another kind of AP, so left out: {', '.join(left_out)}."
    head = ("A − B", "difference", "interval", "A ahead", "labels better in A", "labels better in B", "resamples")
    return "<h2>Is the difference more than the choice of images?</h2>" + table(head, rows, caption, numeric={1, 2, 3, 6})


def _named(names: list[str]) -> str:
    rest = len(names) - MOST_NAMED
    return (", ".join(names[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")) or "none"
