"""AttentionExplorer: where does the model look for each label, and what does it make of it?

The kernel sends names, scores and the first image once; each further image when the browser asks for it. Everything else, filters,
colours, rankings, happens in the browser, so that a moving cursor never waits for the kernel.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from IPython.display import HTML, display

from workbench.errors import WorkbenchError
from workbench.widgets import assets
from workbench.widgets.matching import Matched, Source, match
from workbench.widgets.payload import description, image_packet, tables, thumbnails
from workbench.widgets.view import checked_view, opening_view

FIRST_THUMBNAILS = 24


class Snapshot(HTML):
    """A still figure for notebooks; `words` says the same where only text can be shown."""

    def __init__(self, data: str, words: str) -> None:
        super().__init__(data)
        self.words = words

    def __repr__(self) -> str:
        return self.words


class AttentionExplorer(anywidget.AnyWidget):
    """Image x label x map, for one inspection or for two to four of the same images.

    Args:
        inspections: an `Inspection`, the path of one, a list of them, or a dict of them by the names to show.
        image: id or index of the first image; by default one at which something is to be seen.
        label: name of the first label.
        view: other entries of `view_state`, for example ``overlay="contour"``, ``regions=True``.

    Attributes:
        view_state: everything that is shown, as one JSON dict; assign some of its entries to change them.
        image, label: the id and the name in view; assign to change them, `observe` to follow them.
        status: what went wrong last, shown below the explorer.

    Raises:
        WorkbenchError: archives that do not fit together, or a view that cannot be.
    """

    _esm = assets.module_text("attention")
    _css = assets.style_sheet("attention")
    opening = traitlets.Dict().tag(sync=True)
    view_state = traitlets.Dict().tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)
    image = traitlets.Unicode()
    label = traitlets.Unicode()

    def __init__(
        self,
        inspections: Source | Sequence[Source] | Mapping[str, Source],
        *,
        image: int | str | None = None,
        label: str | None = None,
        **view: Any,
    ) -> None:
        self._matched: Matched = match(inspections)
        self._view = opening_view(self._matched, image, label, view)
        place = self._matched.position(self._view["image"])
        start = max(0, place - FIRST_THUMBNAILS // 2)
        shown = range(start, min(len(self._matched.ids), start + FIRST_THUMBNAILS))
        opening = {
            "description": description(self._matched),
            "tables": tables(self._matched),
            "image": image_packet(self._matched, place),
            "thumbnails": thumbnails(self._matched, shown),
        }
        super().__init__(opening=opening, view_state=self._view, image=self._view["image"], label=self._view["label"])
        self.on_msg(self._answer)

    @property
    def matched(self) -> Matched:
        """The inspections in view, in their common order."""
        return self._matched

    def show(self, **changes: Any) -> None:
        """Change entries of the view: ``explorer.show(image=3, label="sun", overlay="contour")``."""
        self.view_state = changes

    def save_view(self, path: str | Path) -> Path:
        """Write what is shown now to a JSON file."""
        path = Path(path)
        path.write_text(json.dumps(self.view_state, indent=1, ensure_ascii=False) + "\n", "utf-8")
        return path

    def load_view(self, path: str | Path) -> None:
        """Show what `save_view` wrote. Raises WorkbenchError if the file is no view or does not fit these inspections."""
        try:
            view = json.loads(Path(path).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise WorkbenchError(f"{path} cannot be read as a saved view ({error}); write one with save_view.") from None
        if not isinstance(view, dict):
            raise WorkbenchError(f"{path} is not a saved view; write one with save_view.")
        self.view_state = view

    def snapshot(self) -> Snapshot:
        """What is shown now as a still picture with its numbers, which stays readable without a kernel."""
        from workbench.widgets.snapshot import describe, snapshot_html

        return Snapshot(snapshot_html(self._matched, self.view_state), describe(self._matched, self.view_state))

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

    def _ipython_display_(self) -> None:
        bundle, metadata = super()._repr_mimebundle_() or ({}, {})
        display(bundle, metadata=metadata, raw=True)
        display(self.snapshot())

    @traitlets.validate("view_state")
    def _check_view(self, proposal: Any) -> dict[str, Any]:
        return checked_view(self._matched, self._view, proposal["value"])

    @traitlets.observe("view_state")
    def _follow_view(self, change: Any) -> None:
        self._view = change["new"]
        self.image, self.label = self._view["image"], self._view["label"]

    @traitlets.observe("image", "label")
    def _follow_name(self, change: Any) -> None:
        if self._view[change["name"]] != change["new"]:
            try:
                self.view_state = {change["name"]: change["new"]}
            except WorkbenchError:
                setattr(self, change["name"], self._view[change["name"]])
                raise

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take changes from the browser. What an observer raises is shown in the status line, where otherwise it would be lost."""
        self.status = ""
        try:
            super().set_state(sync_data)
        except Exception as error:
            self.status = f"{type(error).__name__}: {error}"
            raise

    def _answer(self, _widget: Any, question: Any, _buffers: Any) -> None:
        """Send the images or thumbnails that the browser asks for."""
        try:
            if question["ask"] == "image":
                packet = image_packet(self._matched, self._matched.position(int(question["image"])))
            elif question["ask"] == "thumbnails":
                packet = thumbnails(self._matched, [self._matched.position(int(image)) for image in question["images"]])
            else:
                raise WorkbenchError(f'The explorer asked for "{question["ask"]}", which is unknown; restart the kernel after an update.')
        except Exception as error:
            self.send({"answer": "error", "text": f"{type(error).__name__}: {error}", "question": question})
            return
        data = packet.pop("data")
        self.send({"answer": question["ask"], "packet": packet}, buffers=[data])
