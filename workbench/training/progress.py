"""One progress bar for terminal and notebook."""

from __future__ import annotations

import sys
from typing import Any

from tqdm.auto import tqdm


def silent(progress: str | bool) -> bool:
    """Whether to draw no bar: "auto" draws one where somebody can see it."""
    if progress != "auto":
        return not progress
    return not (sys.stderr.isatty() or "ipykernel" in sys.modules)


def training_bar(total: int, done: int, progress: str | bool) -> Any:
    """A bar over the images of all epochs."""
    return tqdm(total=total, initial=done, unit="image", unit_scale=True, disable=silent(progress), dynamic_ncols=True)
