"""One page that holds the move lab with every movement of some images, and works from disk with the network off."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.widgets.export import page_text, text_packet, write_page
from workbench.widgets.moving import sweep_packet

if TYPE_CHECKING:
    from workbench.widgets.moves import MoveLab


def export_moves(lab: MoveLab, path: str | Path, images: Sequence[str] | None = None, cap_mb: float = 20) -> Path:
    """Write what `lab` shows as one page, each image with all of its objects moved across and down, as far as `cap_mb` goes.

    Raises: WorkbenchError for an unknown image, or if not even one fits under the cap.
    """
    from workbench.widgets.moves import AXES

    view = dict(lab.view_state)
    known = lab.describe()["ids"]
    wanted = sorted(known, key=lambda image: image != view["image"]) if images is None else list(dict.fromkeys(images))
    kept: list[str] = []
    sweeps: list[dict[str, Any]] = []
    room = cap_mb * 1e6 - len(page_text("moves", "", "", lab.describe()).encode()) - 5_000
    for image in wanted:
        if image not in known:
            raise WorkbenchError(f'There is no scene "{image}" in this lab; it has {", ".join(known[:5])} and others.')
        titles = [each["title"] for each in lab.describe([image])["objects"][0]]
        here = [
            text_packet(sweep_packet(lab.sweep(image, title, axis), {"image": image, "thing": title, "axis": axis}))
            for title in titles
            for axis in AXES
        ]
        room -= len(json.dumps(here))
        if room < 0:
            break
        kept.append(image)
        sweeps += here
    if not kept:
        raise WorkbenchError(f"Not one image fits into {cap_mb:g} MB; raise cap_mb.")
    if view["image"] not in kept:
        view |= {"image": kept[0], "thing": lab.describe(kept[:1])["objects"][0][0]["title"], "place": None}
    note = f"{len(kept)} of {len(known)} scenes, every object moved across and down; asked: {', '.join(lab.models)}."
    if len(kept) < len(wanted):
        note += f" The page was cut at {cap_mb:g} MB: {len(wanted) - len(kept)} more scenes were asked for."
    content = {"description": lab.describe(kept), "sweeps": sweeps, "view": view}
    return write_page(Path(path), page_text("moves", f"Move lab: {', '.join(lab.models)}", note, content), len(kept))
