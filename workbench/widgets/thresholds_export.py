"""One page that holds the threshold lab and its scores, and works from disk with the network off."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.widgets.export import how, page_text, text_packet, write_page
from workbench.widgets.payload import thumbnail
from workbench.widgets.thresholds import SIDE, describe, tables

if TYPE_CHECKING:
    from workbench.widgets.thresholds import ThresholdLab


def export_thresholds(lab: ThresholdLab, path: str | Path, cap_mb: float = 20) -> Path:
    """Write what `lab` shows as one page: all scores, and thumbnails as far as `cap_mb` goes.

    Raises:
        WorkbenchError: the scores alone do not fit under the cap.
    """
    images = lab.setting.measured
    content: dict[str, Any] = {
        "description": describe(lab.setting, lab.reference),
        "tables": text_packet(tables(lab.setting)),
        "view": dict(lab.view_state),
        "thumbnails": {},
    }
    title = f"Threshold lab: {images.name}"
    size = len(page_text("thresholds", title, "", content).encode())
    if size > cap_mb * 1e6:
        raise WorkbenchError(f"The scores of {len(images.ids):,} images take {size / 1e6:.1f} MB, more than {cap_mb:g} MB; raise cap_mb.")
    note = f"{len(images.ids):,} images of {images.name}."
    if images.pictures is not None:
        room = cap_mb * 1e6 - size - 1000
        for place in range(len(images.ids)):
            text = base64.b64encode(thumbnail(images.pictures.first.image_bytes(place), SIDE)).decode()
            room -= len(text) + len(json.dumps(str(place))) + 6
            if room < 0:
                break
            content["thumbnails"][str(place)] = text
        if len(content["thumbnails"]) < len(images.ids):
            note += f" The page was cut at {cap_mb:g} MB: it holds {len(content['thumbnails'])} of {len(images.ids)} pictures."
    return write_page(
        Path(path),
        page_text("thresholds", title, note, content),
        len(content["thumbnails"]),
        how(images.pictures.first) if images.pictures else None,
    )
