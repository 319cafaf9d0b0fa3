"""Numbers on a command line, with their bounds: what is out of them is told by argparse, before anything is begun."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


def whole(least: int, most: int = 10**9) -> Callable[[str], int]:
    """A type for argparse: a whole number from `least` to `most`."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r:.40} is no whole number") from None
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{text:.40} is not between {least} and {most}")
        return number

    return read


def positive(text: str) -> float:
    """A type for argparse: a finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r:.40} is no number") from None
    if not (math.isfinite(number) and number > 0):
        raise argparse.ArgumentTypeError(f"{text:.40} is not a finite number above 0")
    return number
