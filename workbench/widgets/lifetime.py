"""How long an explorer lives: pages know it only once it is shown, and nothing of it stays when it is gone.

ipywidgets keeps each widget for ever, since it does not know who still shows it. Here its lists hold explorers weakly. An explorer lives
as long as a name in the kernel or a page has it; a page says when it shows one, and when the output that held it was replaced or cleared.
Pages that close or are loaded anew say nothing: whoever opens the notebook again finds its explorers. One whose output is gone can be
shown again.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

import anywidget
import traitlets
from IPython import get_ipython
from ipywidgets.widgets import widget as ipywidgets_list

from workbench.widgets import assets
from workbench.widgets.kernel_loop import in_kernel

_held: dict[str, Shown] = {}  # by model id: what pages show, whether or not a name has it


class Shown(anywidget.AnyWidget):
    """Base of `Explorer`. A subclass names its ``kind`` of page text, see `workbench.widgets.assets`.

    Attributes:
        shown: how often it was displayed; a page that tells of an earlier display is behind.
        code: the page's text, loaded once a page by the short one that anywidget loads for each widget.
    """

    code = traitlets.Unicode().tag(sync=True)
    shown = traitlets.Int(0).tag(sync=True)
    kind = ""
    comm: Any
    _extended: Any

    def __init_subclass__(cls, kind: str = "", **options: Any) -> None:
        if kind:
            cls.kind, cls._esm, cls._css = kind, assets.loader(kind), assets.style_sheet(kind)
        super().__init_subclass__(**options)

    def __init__(self, **traits: Any) -> None:
        self._pages: set[str] = set()  # that show it
        self._complete = False
        super().__init__(**traits)
        self._complete = True

    def add_traits(self, **traits: Any) -> None:
        """anywidget adds the same traits to each widget, which makes a class for each: here one class serves all."""
        own = type(self)
        if "_extended" in own.__dict__:
            self.__class__ = own._extended
        else:
            super().add_traits(**traits)
            own._extended = type(self)

    @traitlets.default("code")
    def _text(self) -> str:
        return assets.module_text(self.kind)

    def open(self) -> None:
        """Make the explorer known to pages. Nothing is sent before it is shown."""
        if not self._complete or self.comm is not None:
            return
        self.layout.open()
        super().open()
        _held[str(self._model_id)] = self

    def close(self) -> None:
        """Take the explorer out of all pages. It can be shown again."""
        if self.comm is None:
            return
        comm, self.comm = self.comm, None
        for listed in (_held, ipywidgets_list._instances):
            listed.pop(comm.comm_id, None)
        in_kernel(comm.close)
        self.layout.close()
        self._pages.clear()

    @property
    def model_id(self) -> str:
        """What a page knows the explorer by; who asks for it is about to show it."""
        self.open()
        return str(self.comm.comm_id)

    @traitlets.observe("comm")
    def _comm_changed(self, change: Any) -> None:
        if change["new"] is None:
            return
        self._model_id, ours = change["new"].comm_id, weakref.ref(self)

        def hear(message: Any) -> None:
            if (explorer := ours()) is not None:
                explorer._handle_msg(message)

        change["new"].on_msg(hear)
        ipywidgets_list._instances[self._model_id] = weakref.proxy(self)

    def _hear_of_views(self, told: Mapping[str, Any]) -> None:
        """A page shows the explorer ("seen"), does so no longer ("unseen"), or has no output any more that held it ("gone")."""
        page, views = str(told.get("page")), told.get("views")
        if self.comm is None:
            return
        if views == "seen":
            self._pages.add(page)
            _held[self.comm.comm_id] = self
            return
        self._pages.discard(page)
        if self._pages:
            return
        if views == "gone" and self.shown and told.get("shown") == self.shown:
            self.close()
            _forget_output(self)
        else:
            _held.pop(self.comm.comm_id, None)


def _forget_output(explorer: Shown) -> None:
    """Take an explorer whose output is gone out of IPython's history of outputs, which would keep it."""
    shell: Any = get_ipython()
    if shell is None:
        return
    names, hidden, history = shell.user_ns, shell.user_ns_hidden, shell.user_ns.get("_oh", {})
    for number in [number for number, output in history.items() if output is explorer]:
        del history[number]
        names.pop(f"_{number}", None)
    for name in [name for name, output in hidden.items() if output is explorer and name.strip("_")]:  # what IPython named, it lists twice
        del hidden[name]
    for name in ("_", "__", "___"):
        for place in (names, hidden, vars(shell.displayhook)):
            if place.get(name) is explorer:
                place[name] = ""
    if getattr(shell.last_execution_result, "result", None) is explorer:
        shell.last_execution_result.result = None
