"""One progress bar for terminal and notebook."""

from __future__ import annotations

import sys
from typing import Any

from tqdm.auto import tqdm


def silent(progress: str | bool) -> bool:
    """Whether to draw no bar: "auto" draws one where somebody can see it."""
    if progress != "auto":
        return not progress
    return not (sys.stderr.isatty() or _in_notebook())


def _in_notebook() -> bool:
    """Whether this process is a notebook's kernel; IPython is asked only where something has loaded it, and need not be a kernel then."""
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    return hasattr(shell, "kernel")


def training_bar(total: int, done: int, progress: str | bool) -> Any:
    """A bar over the images of all epochs."""
    return tqdm(total=total, initial=done, unit="image", unit_scale=True, disable=silent(progress), dynamic_ncols=True)
