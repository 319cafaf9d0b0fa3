"""What is known of a training, in words for a terminal and for those who see no pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.following.folder import RUNNING

Row = Mapping[str, Any]
STATE_WORDS = {
    "new": "not started",
    "starting": "starting",
    "training": "training",
    "evaluating": "evaluating",
    "stopping": "stopping after this step",
    "stopped": "stopped",
    "failed": "failed",
    "killed": "ended without a word",
    "done": "finished",
}


def state_words(facts: Row) -> str:
    """The state as a sentence that says what to do next."""
    state = str(facts["state"])
    words = STATE_WORDS[state]
    if state == "failed":
        return f"{words}: {facts['sentence']}" if facts["sentence"] else words
    if state == "killed":
        return f"{words}: its process is gone, killed or by a power cut; start it again to go on from the last saved state"
    if state == "stopped":
        done = f" after {facts['rows']} of {facts['epochs']} epochs" if facts["epochs"] else ""
        return f"{words}{done}; start it again to go on"
    return words


def progress_words(facts: Row) -> str:
    """Where a training is that runs: ``"training: joint 1/4, epoch 3 of 8, step 12 of 47, 312 images/s, about 2 min left"``."""
    if facts["state"] not in RUNNING:
        return state_words(facts)
    parts = []
    if facts["stage"] is not None:
        parts.append(f"{facts['stage']} {facts['stage_epoch']}/{facts['stage_epochs']}")
    if facts["epoch"] is not None:
        parts.append(f"epoch {facts['epoch']} of {facts['epochs']}")
    if facts["steps"] and facts["state"] == "training":
        parts.append(f"step {facts['step']} of {facts['steps']}")
    if facts["loss"] is not None:
        parts.append(f"loss {facts['loss']:.3g}")
    if facts["images_per_second"] is not None:
        parts.append(f"{_rate(facts['images_per_second'])} images/s")
    if facts["seconds_left"] is not None:
        parts.append(f"about {duration(facts['seconds_left'])} left")
    return f"{STATE_WORDS[facts['state']]}: {', '.join(parts)}" if parts else STATE_WORDS[facts["state"]]


def epoch_words(row: Row, before: Row | None, names: Sequence[str], epochs: int | None) -> list[str]:
    """A finished epoch in two lines: its figures, and the labels with the best and worst average precision.

    Args:
        before: the row of the epoch before, from which changes are counted.
        names: of the labels, in the order of ``validation.ap``; none where they are not known.
        epochs: of the whole training.
    """
    parts = [f"epoch {row['epoch']}{f'/{epochs}' if epochs else ''}  {row['stage']} {row.get('stage_epoch', '')}"]
    if _known(row.get("loss")):
        parts.append(f"loss {row['loss']:.4g}")
    if _known(row.get("validation.map")):
        parts.append(f"mAP {_percent(row, before)}")
    if _known(row.get("images_per_second")):
        parts.append(f"{_rate(row['images_per_second'])} images/s")
    if _known(row.get("seconds")):
        parts.append(duration(row["seconds"]))
    lines = ["   ".join(parts)]
    worst, best = extremes(row, before, names)
    if worst:
        lines.append(f"    worst AP: {', '.join(worst)}" + (f"   best: {', '.join(best)}" if best else ""))
    return lines


def extremes(row: Row, before: Row | None, names: Sequence[str], count: int = 3) -> tuple[list[str], list[str]]:
    """The labels with the worst average precision, the worst first, and those with the best, the best first; none is in both."""
    given, earlier = row.get("validation.ap"), (before or {}).get("validation.ap")
    if not isinstance(given, list) or len(given) != len(names):
        return [], []
    old = earlier if isinstance(earlier, list) and len(earlier) == len(given) else [None] * len(given)
    order = sorted((place for place, value in enumerate(given) if _known(value)), key=lambda place: given[place])
    texts = [f"{names[place]} {_percent({'validation.map': given[place]}, {'validation.map': old[place]})}" for place in order]
    low = texts[: min(count, math.ceil(len(texts) / 2))]
    return low, texts[len(low) :][::-1][:count]


def duration(seconds: float) -> str:
    """``"48 s"``, ``"12 min"``, ``"3 h 20 min"``, ``"2 d 4 h"``."""
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 9.5 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def _percent(row: Row, before: Row | None) -> str:
    value, old = row["validation.map"], (before or {}).get("validation.map")
    change = f" ({100 * (value - old):+.1f})" if _known(old) else ""
    return f"{100 * value:.1f}{change}"


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 99.5 else f"{value:.3g}"


def _known(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
