"""How deep the pictures of a set are. It is declared for the whole set; here it is only noticed where the declaration looks wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workbench.errors import WorkbenchError
from workbench.pictures import opened

LOOKED_AT = 8


def odd_depths(paths: Sequence[Path], bits: int | None) -> list[str]:
    """A note where some 16-bit pictures, evenly spread over the set, all stay below a quarter of the range that is declared for them."""
    if bits is not None:
        return []
    highest, deep = 0, 0
    for path in list(paths)[:: max(1, len(paths) // LOOKED_AT)][:LOOKED_AT]:
        if path.suffix.lower() not in (".png", ".tif", ".tiff"):
            continue
        try:
            with opened(path, str(path)) as image:
                if image.mode.startswith("I"):
                    highest, deep = max(highest, int(np.asarray(image).max())), deep + 1
        except WorkbenchError:
            continue  # said when it is read
    if not deep or not 0 < highest < 2**14:
        return []
    return [
        f"{deep} of its 16-bit pictures were looked at and none is brighter than {highest}, of 65,535, so they look dark; if they hold "
        f"{max(8, highest.bit_length())} bits, say so for the whole set: bits={max(8, highest.bit_length())}."
    ]
