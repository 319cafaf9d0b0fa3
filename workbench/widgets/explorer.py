"""What all explorers share: a view as one dict of synced state, saved and loaded; a still picture behind it; answers to the browser."""

from __future__ import annotations

import html
import json
import uuid
from collections.abc import Iterable, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any

import traitlets
from IPython.display import HTML, display

from workbench.errors import WorkbenchError
from workbench.files import write_json
from workbench.widgets.asked import Question, echoed, require_plain, sentence
from workbench.widgets.bidi import isolated
from workbench.widgets.kernel_loop import in_kernel
from workbench.widgets.lifetime import Shown

FROM_BROWSER = ("view_state", "picked")  # what it may change; all else it only reads


class Snapshot(HTML):
    """A still figure for notebooks; `words` says the same where only text can be shown. `names` are those from data that stand in it."""

    def __init__(self, data: str, words: str, names: Iterable[str] = ()) -> None:
        names = list(names)
        super().__init__(isolated(data, map(html.escape, names)))  # type: ignore[no-untyped-call]
        self.words = isolated(words, names)

    def __repr__(self) -> str:
        return self.words


class Explorer(Shown):
    """Base of the explorers. A subclass sets `_view` before it calls ``super().__init__`` and overrides the methods that raise here.

    Attributes:
        view_state: everything that is shown, as one JSON dict; assign some of its entries to change them.
        image, label: the id and the name in view; assign to change them, `observe` to follow them.
        status: what went wrong last, shown below the explorer.
    """

    opening = traitlets.Dict().tag(sync=True)
    view_state = traitlets.Dict().tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)
    still = traitlets.Unicode(read_only=True).tag(sync=True)  # class of the still picture that the page hides behind the explorer
    image = traitlets.Unicode()
    label = traitlets.Unicode()
    _view: dict[str, Any]

    def __init__(self) -> None:
        self._leaving: set[Any] = set()  # what the kernel's loop has still to send: a flood of changes makes one message
        super().__init__(view_state=self._view, image=self._view["image"], label=self._view["label"])
        self.opening  # noqa: B018  what cannot be opened is said here, not when it is shown

    @traitlets.default("opening")
    def _make_opening(self) -> dict[str, Any]:
        return self._opening()

    def close(self) -> None:
        """Take the explorer out of all pages. It can be shown again, as it is now."""
        super().close()
        self._trait_values.pop("opening", None)  # large, and soon made anew

    @traitlets.default("still")
    def _name_still(self) -> str:
        return f"workbench-still-{uuid.uuid4().hex[:8]}"

    def snapshot(self) -> Snapshot:
        """What is shown now as a still picture with its numbers, which stays readable without a kernel."""
        raise NotImplementedError

    def _names(self) -> list[str]:
        """Names from data that stand in the texts of a snapshot."""
        return [*self.opening.get("description", {}).get("categories", ()), self.image, self.label]

    def _opening(self) -> dict[str, Any]:
        """What a page gets at once, for the view as it is now."""
        return {}

    def _checked(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The view with `changes`, or WorkbenchError that says which value cannot be."""
        raise NotImplementedError

    def _packet(self, question: Question) -> dict[str, Any] | None:
        """The packet that the browser asks for, or None for a question that nobody knows."""
        raise NotImplementedError

    def show(self, **changes: Any) -> None:
        """Change entries of the view: ``explorer.show(image=3, label="sun")``."""
        self.view_state = changes

    def save_view(self, path: str | Path) -> Path:
        """Write what is shown now to a JSON file."""
        return write_json(path, self.view_state, names=True)

    def load_view(self, path: str | Path) -> None:
        """Show what `save_view` wrote. Raises WorkbenchError if the file is no view or does not fit these inspections."""
        try:
            view = json.loads(Path(path).read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise WorkbenchError(f"{path} cannot be read as a saved view ({error!s:.200}); write one with save_view.") from None
        if not isinstance(view, dict):
            raise WorkbenchError(f"{path} is not a saved view; write one with save_view.")
        try:
            self.view_state = view
        except WorkbenchError as error:
            raise WorkbenchError(f"{path}: {error!s:.500}") from None

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take changes from the browser. What goes wrong is shown in the status line, where otherwise it would be lost.

        A view that cannot be is taken back, here and in the browser. What an observer raises changes nothing: the view is shown.
        A WorkbenchError ends there, since it has been said; anything else goes on to whoever called.
        """
        self.status = ""
        changes = {name: value for name, value in sync_data.items() if name in FROM_BROWSER}
        try:
            self._require_possible(changes)
        except Exception as error:
            self.status = sentence(error)
            self.send_state([name for name in changes if name in self.keys])  # what it was
            if not isinstance(error, WorkbenchError):
                raise
            return
        try:
            super().set_state(changes)
        except Exception as error:
            self.status = sentence(error)
            if not isinstance(error, WorkbenchError):
                raise

    def send_state(self, key: Any = None) -> None:
        """Tell the browser the value of one trait, of several or of all: the one that holds when the message leaves."""
        names = key if key is None or isinstance(key, str) else tuple(key)
        if names not in self._leaving:
            self._leaving.add(names)
            in_kernel(lambda: self._send_now(names))

    def _send_now(self, names: Any) -> None:
        self._leaving.discard(names)
        super().send_state(names)

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send the browser a message of our own."""
        in_kernel(lambda: super(Explorer, self).send(content, buffers))

    def _require_possible(self, changes: Mapping[str, Any]) -> None:
        """Raise WorkbenchError for what cannot be; asked before anything is changed, since traitlets tells observers first."""
        if not isinstance(changes.get("view_state", {}), Mapping):
            raise WorkbenchError(f"A view is a dict of its entries, not {changes['view_state']!r:.60}.")
        if "view_state" in changes:
            require_plain(changes["view_state"], "The view")
            self._check_view({"value": changes["view_state"]})

    def _ipython_display_(self) -> None:
        self.shown += 1
        bundle, metadata = super()._repr_mimebundle_() or ({}, {})
        display(bundle, metadata=metadata, raw=True)
        display(self._still())

    def _still(self) -> Snapshot:
        """The snapshot that is shown with the explorer, and seen where the explorer is not alive."""
        found = self.snapshot()
        return Snapshot(found.data.replace("workbench-snapshot", f"workbench-snapshot {self.still}", 1), found.words)

    @traitlets.validate("view_state")
    def _check_view(self, proposal: Any) -> dict[str, Any]:
        """The view with the changes in it; what is a text stays one, and `image` may also be given by its place."""
        changes: Mapping[str, Any] = proposal["value"]
        for key, value in changes.items():
            if isinstance(self._view.get(key), str) and not isinstance(value, (str, Integral) if key == "image" else str):
                raise WorkbenchError(f'"{key}" is a text, not {value!r:.60}.')
        result = self._checked(changes)
        if not isinstance(result["image"], str):
            raise WorkbenchError(f'"image" is a text here, not {result["image"]!r:.60}.')
        return result

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

    def _handle_custom_msg(self, content: Any, buffers: Any) -> None:
        super()._handle_custom_msg(content, buffers)
        self._answer(self, content, buffers)

    def _answer(self, _widget: Any, question: Any, _buffers: Any) -> None:
        """Send what the browser asks for."""
        try:
            asked = Question(question)
            if asked["ask"] == "views":
                self._hear_of_views(asked)
                return
            packet = self._packet(asked)
            if packet is None:
                raise WorkbenchError(f'The explorer asked for "{asked["ask"]:.60}", which is unknown; restart the kernel after an update.')
        except Exception as error:
            self.send({"answer": "error", "text": sentence(error), "question": echoed(question)})
            return
        data = packet.pop("data")
        self.send({"answer": asked["ask"], "packet": packet}, buffers=[data])
