"""One page that holds the embedding explorer and its points, and works from disk with the network off."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import WorkbenchError
from workbench.widgets.export import how, page_text, text_packet, write_page
from workbench.widgets.points_payload import coordinates, points_description, points_tables, thumbnail_jpeg

if TYPE_CHECKING:
    from workbench.widgets.embedding import EmbeddingExplorer


def export_points(explorer: EmbeddingExplorer, path: str | Path, cap_mb: float = 20) -> Path:
    """Write what `explorer` shows as one page: all points, and thumbnails as far as `cap_mb` goes, those of selected points first.

    Raises:
        WorkbenchError: the points alone do not fit under the cap.
    """
    points = explorer.points
    content: dict[str, Any] = {
        "description": points_description(points),
        "tables": text_packet(points_tables(points)),
        "points": [text_packet(coordinates(points, projection)) for projection in points.projections],
        "picked": base64.b64encode(explorer.picked).decode(),
        "view": dict(explorer.view_state),
        "thumbnails": {},
    }
    names = " and ".join(model.member.name for model in points.models)
    title = f"Embedding explorer: {names}"
    size = len(page_text("embedding", title, "", content).encode())
    if size > cap_mb * 1e6:
        raise WorkbenchError(
            f"The {len(points)} points take {size / 1e6:.1f} MB, more than {cap_mb:g} MB; raise cap_mb, or make the explorer with most=."
        )
    room = cap_mb * 1e6 - size - 1000
    picked = np.frombuffer(explorer.picked, dtype=np.int32)
    images = np.concatenate([[points.matched.position(explorer.image)], points.pairs[picked, 0], points.pairs[:, 0]])
    wanted = list(dict.fromkeys(images.tolist()))
    for image in wanted:
        text = base64.b64encode(thumbnail_jpeg(points, image)).decode()
        room -= len(text) + len(json.dumps(str(image))) + 6
        if room < 0:
            break
        content["thumbnails"][str(image)] = text
    sample = f" (a random sample of {points.stored:,})" if points.stored > len(points) else ""
    note = f"{len(points):,} points{sample} of {names}."
    if len(content["thumbnails"]) < len(wanted):
        note += f" The page was cut at {cap_mb:g} MB: it holds {len(content['thumbnails'])} of {len(wanted)} pictures."
    return write_page(Path(path), page_text("embedding", title, note, content), len(content["thumbnails"]), how(points.matched.first))
