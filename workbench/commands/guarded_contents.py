"""What `workbench lab` puts between JupyterLab and the files: notebooks that are not trusted arrive without the script of their widgets."""

from __future__ import annotations

from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

from workbench.widget_state import scripts


class GuardedContents(AsyncLargeFileManager):
    """Jupyter's own file manager, save that widget state with foreign script is taken out of notebooks that this machine did not sign.

    Jupyter signs what its user ran or chose to trust. The file on the disk stays as it is until the notebook is saved.
    """

    def mark_trusted_cells(self, nb: Any, path: str = "") -> None:
        super().mark_trusted_cells(nb, path)  # type: ignore[no-untyped-call]
        if self.notary.check_signature(nb):
            return
        found = scripts(nb, own_scripts())
        if found:
            nb["metadata"].pop("widgets", None)
            self.log.warning(
                "%s is not trusted, and its saved widget state brings script (%d models): it is shown without that state. "
                "`workbench data check` says what is in it.",
                path,
                len(found),
            )


def own_scripts() -> frozenset[str]:
    """The texts of this library's explorers."""
    from workbench.widgets import assets

    return frozenset(assets.module_text(kind) for kind in assets.MODULES)
