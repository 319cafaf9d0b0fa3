"""AttentionExplorer: where does the model look for each label, and what does it make of it?

The kernel sends names, scores and the first image once; each further image when the browser asks for it. Everything else, filters,
colours, rankings, happens in the browser, so that a moving cursor never waits for the kernel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.widgets.asked import Question
from workbench.widgets.explorer import Explorer, Snapshot
from workbench.widgets.matching import Matched, Source, match
from workbench.widgets.payload import description, image_packet, tables, thumbnails
from workbench.widgets.view import checked_view, opening_view
from workbench.widgets.whatif import Bench, Compose

FIRST_THUMBNAILS = 24


class AttentionExplorer(Explorer, kind="attention"):
    """Image x label x map, for one inspection or for two to four of the same images; with a model at hand, of edited pictures too.

    Args:
        inspections: an `Inspection`, the path of one, a list of them, or a dict of them by the names to show.
        image: id or index of the first image; by default one at which something is to be seen.
        label: name of the first label.
        predict: a model at hand, for the what-if panel: uint8 images [B, H, W, 3] -> (logits [B, C], maps {kind: [B, C, h, w]}), as
            `workbench.predictor` makes one; for several inspections a list of functions, or a dict by their names.
        scenes: how a drawn scene is composed again, see `workbench.widgets.whatif.Compose`; by default ``predict.scenes``, if there.
        view: other entries of `view_state`, for example ``overlay="contour"``, ``regions=True``.

    Attributes:
        view_state: everything that is shown, as one JSON dict; assign some of its entries to change them.
        image, label: the id and the name in view; assign to change them, `observe` to follow them.
        status: what went wrong last, shown below the explorer.

    Raises:
        WorkbenchError: archives that do not fit together, or a view that cannot be.
    """

    def __init__(
        self,
        inspections: Source | Sequence[Source] | Mapping[str, Source],
        *,
        image: int | str | None = None,
        label: str | None = None,
        predict: Any = None,
        scenes: Compose | None = None,
        **view: Any,
    ) -> None:
        self._matched: Matched = match(inspections)
        self._bench = Bench(self._matched, predict, scenes) if predict is not None else None
        if self._bench:
            view.setdefault("whatif", True)
        self._view = opening_view(self._matched, image, label, view)
        super().__init__()

    def _opening(self) -> dict[str, Any]:
        place = self._matched.position(self._view["image"])
        start = max(0, place - FIRST_THUMBNAILS // 2)
        shown = range(start, min(len(self._matched.ids), start + FIRST_THUMBNAILS))
        return {
            "description": {**description(self._matched), "bench": self._bench.describe() if self._bench else None},
            "tables": tables(self._matched),
            "image": image_packet(self._matched, place),
            "thumbnails": thumbnails(self._matched, shown),
        }

    @property
    def matched(self) -> Matched:
        """The inspections in view, in their common order."""
        return self._matched

    def snapshot(self) -> Snapshot:
        """What is shown now as a still picture with its numbers, which stays readable without a kernel."""
        from workbench.widgets.snapshot import describe, snapshot_html

        return Snapshot(snapshot_html(self._matched, self.view_state), describe(self._matched, self.view_state), self._names())

    def export_html(self, path: str | Path, images: Sequence[int | str] | None = None, cap_mb: float = 20) -> Path:
        """Write the explorer as one page that works from disk without a network.

        Args:
            images: ids or indices; by default all, from the one in view on, as far as `cap_mb` goes. The page says where it was cut.
            cap_mb: largest size of the page in megabytes.
        """
        from workbench.widgets.export import export_html

        return export_html(self, path, images=images, cap_mb=cap_mb)

    def __repr__(self) -> str:
        member = self._matched.members[self._view["model"]]
        place = self._matched.position(self._view["image"])
        predicted = int((member.logits()[place] >= member.cut).sum())
        kind = member.inspection.map_kinds[self._view["map"]]
        models = " and ".join(other.name for other in self._matched.members)
        return (
            f"AttentionExplorer of {models}: image {place + 1} of {len(self._matched.ids)} ({self._view['image']}), "
            f'{predicted} predicted labels, {kind.title} of "{self._view["label"]}"'
        )

    def _checked(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        return checked_view(self._matched, self._view, changes)

    def _packet(self, question: Question) -> dict[str, Any] | None:
        if question["ask"] == "image":
            return image_packet(self._matched, self._matched.position(question.number("image")))
        if question["ask"] == "thumbnails":
            return thumbnails(self._matched, [self._matched.position(image) for image in question.numbers("images")])
        if question["ask"] in ("whatif", "upload"):
            if self._bench is None:
                raise WorkbenchError("There is no model at hand to ask; make the explorer with predict=workbench.predictor(...).")
            return self._bench.packet(question) if question["ask"] == "whatif" else self._bench.upload(question)
        return None
