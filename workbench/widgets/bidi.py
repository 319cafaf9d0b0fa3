"""Names that are written from right to left, or that hold signs which turn the order of letters, within other text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

TURNING = frozenset(("R", "AL", "AN", "RLE", "RLO", "LRE", "LRO", "PDF", "RLI", "LRI", "FSI", "PDI"))
_OWN_ISOLATES = dict.fromkeys(range(0x2066, 0x206A))


def isolated(text: str, names: Iterable[str]) -> str:
    """`text` with each of `names` in it isolated, where it could turn what stands around it; see the Unicode bidirectional algorithm.

    Isolates that a name itself opens or closes are left away: an open one would end only with the text.
    """
    for name in set(names):
        if any(unicodedata.bidirectional(letter) in TURNING for letter in name):
            text = text.replace(name, f"\u2068{name.translate(_OWN_ISOLATES)}\u2069")
    return text
