"""One page that holds the explorer and its data, and works from disk with the network off."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import WorkbenchError
from workbench.files import json_text, write_text
from workbench.inspection.private import leaving
from workbench.widgets import assets
from workbench.widgets.matching import Matched, Member
from workbench.widgets.payload import description, image_packet, picture_packet, tables

if TYPE_CHECKING:
    from workbench.widgets.attention import AttentionExplorer
    from workbench.widgets.labels import LabelExplorer

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title><style>{style}</style></head>
<body><main><h1>{title}</h1><p class="note">{note}</p><div id="explorer"></div></main>
<script type="application/json" id="content">{content}</script>
<script type="module">{script}</script></body></html>
"""
LOOK = """:root { color-scheme: light dark; }
body { margin: 0; font: 14px/1.5 system-ui, sans-serif; background: light-dark(#fff, #101114); }
main { max-width: 1280px; margin: 0 auto; padding: 16px 20px; color: light-dark(#14171c, #f2f3f5); }
h1 { font-size: 20px; margin: 0 0 4px; }
.note { margin: 0 0 12px; color: light-dark(#4d525a, #b5bac2); }
"""


def export_html(explorer: AttentionExplorer, path: str | Path, images: Sequence[int | str] | None = None, cap_mb: float = 20) -> Path:
    """Write what `explorer` shows as one page.

    Args:
        images: ids or indices; by default all, the one in view first, then as stored.
        cap_mb: largest size of the page in megabytes; images beyond it are left out and the page says so.

    Raises:
        WorkbenchError: an image is unknown, none is named, or not even one fits under the cap.
    """
    matched, view = explorer.matched, dict(explorer.view_state)

    def content(kept: list[int], packets: list[dict[str, Any]], view: dict[str, Any]) -> dict[str, Any]:
        part = _part(matched, kept)
        return {"description": description(part), "tables": text_packet(tables(part)), **_images(part, packets, view)}

    return _export("attention", "Attention explorer", Path(path), matched, view, images, cap_mb, image_packet, content)


def export_labels(explorer: LabelExplorer, path: str | Path, images: Sequence[int | str] | None = None, cap_mb: float = 20) -> Path:
    """Write what a label explorer shows as one page; see `export_html`. Its counts are those of all images, its pictures the kept ones."""
    from workbench.widgets.labels import describe as describe_labels
    from workbench.widgets.labels import tables as label_tables

    matched, view = explorer.matched, dict(explorer.view_state)

    def content(kept: list[int], packets: list[dict[str, Any]], view: dict[str, Any]) -> dict[str, Any]:
        part = _part(matched, kept)
        known = explorer.together
        return {
            "description": describe_labels(part, known),
            "tables": text_packet(label_tables(part, known)),
            **_images(part, packets, view),
        }

    return _export("labels", "Label explorer", Path(path), matched, view, images, cap_mb, picture_packet, content)


def _export(
    kind: str,
    title: str,
    path: Path,
    matched: Matched,
    view: dict[str, Any],
    images: Sequence[int | str] | None,
    cap_mb: float,
    packet_of: Callable[[Matched, int], dict[str, Any]],
    content: Callable[[list[int], list[dict[str, Any]], dict[str, Any]], dict[str, Any]],
) -> Path:
    """Take images under the cap, and write the page of an explorer of one `kind` around `content(kept, packets, view)`."""
    wanted = _wanted(matched, images, view["image"])
    whole = json.dumps(content(wanted[:1], [], view))
    room = cap_mb * 1e6 - len(whole) - len(assets.module_text(kind)) - len(assets.style_sheet(kind)) - 20_000
    packets = []
    for image in wanted:
        packet = text_packet(packet_of(matched, image))
        room -= len(json.dumps(packet))
        if room < 0:
            break
        packets.append(packet)
    if not packets:
        raise WorkbenchError(f"Not one image fits into {cap_mb} MB; raise cap_mb.")
    kept = wanted[: len(packets)]
    order = np.argsort(kept)
    kept, packets = [kept[place] for place in order], [packets[place] for place in order]
    names = " and ".join(member.name for member in matched.members)
    note = f"{len(kept)} of {len(matched.ids)} images of {names}."
    if len(kept) < len(wanted):
        note += f" The page was cut at {cap_mb:g} MB: {len(wanted) - len(kept)} more images were asked for."
    if view["image"] not in {matched.ids[image] for image in kept}:
        view["image"] = matched.ids[kept[0]]
    return write_page(path, page_text(kind, f"{title}: {names}", note, content(kept, packets, view)), len(kept), how(matched.first))


def _wanted(matched: Matched, images: Iterable[int | str] | None, in_view: str) -> list[int]:
    if images is None:
        first = matched.position(in_view)
        return [first, *(image for image in range(len(matched.ids)) if image != first)]
    wanted = list(dict.fromkeys(matched.position(image) for image in images))
    if not wanted:
        raise WorkbenchError("The list of images to export is empty; name at least one, or leave it out for all.")
    return wanted


def _part(matched: Matched, kept: list[int]) -> Matched:
    """The archive cut down to the kept images, in their order."""
    members = tuple(Member(member.name, member.inspection, member.rows[kept], member.columns) for member in matched.members)
    return Matched([matched.ids[image] for image in kept], matched.categories, members)


def _images(part: Matched, packets: list[dict[str, Any]], view: dict[str, Any]) -> dict[str, Any]:
    for place, packet in enumerate(packets):
        packet["image"] = place
    first = part.ids.index(view["image"]) if view["image"] in part.ids else 0
    return {"images": packets, "first": first, "view": view}


def text_packet(packet: dict[str, Any]) -> dict[str, Any]:
    """A packet as JSON: its data in base64."""
    return {**packet, "data": base64.b64encode(packet["data"]).decode()}


def page_text(kind: str, title: str, note: str, content: dict[str, Any]) -> str:
    """The page of one `kind` of explorer on its `content`, which its offline module knows how to read."""
    script = assets.module_text(kind) + "\n" + assets.offline_text(kind)
    style = LOOK + assets.style_sheet(kind)
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src blob: data:; "
        "base-uri 'none'; form-action 'none'"
    )
    data = json_text(content, ensure_ascii=False).replace("<", "\\u003c")
    return PAGE.format(policy=policy, title=html.escape(title), note=html.escape(note), style=style, content=data, script=script)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def how(images: Member) -> str | None:
    """How the archive that pictures come from keeps them."""
    return images.inspection.provenance.get("pictures")


def write_page(path: Path, text: str, pictures: int, kept: str | None = None) -> Path:
    """Write whole or not at all, and print how many pictures leave with the page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
    print(f"{path.name}: {leaving(pictures, kept)}")
    return path
