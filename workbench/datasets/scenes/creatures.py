"""How the animals look: one body for all, told apart by the ears. Cells and parts as in `sprites`.

At ``look_alike`` = 1 colours and proportions of all four come from one wide distribution; at 0 each has its own. The ears are a quarter
of the animal's height at least, so that they can be told at 64 pixels.
"""

from __future__ import annotations

from workbench.datasets.scenes.palette import INK, PINK, darker, lighter
from workbench.datasets.scenes.rules import Thing
from workbench.datasets.scenes.sprites import Part, ellipse, polygon

HEAD = 0.02  # height of the middle of the head


def animal(thing: Thing) -> list[Part]:
    """looks: head width, body width, ear size, patch, scarf, tail, belly, tone."""
    fur, accent = thing.color, thing.accent
    head_width, body_width, ear_size, patch, scarf, tail, belly, _ = thing.looks
    half = 0.25 + 0.05 * head_width
    body = 0.19 + 0.07 * body_width
    side = 1 if tail > 0.5 else -1
    parts = [Part(ellipse(side * (body + 0.05), 0.33, 0.09, 0.06 + 0.05 * abs(tail - 0.5), side * -0.6), darker(fur, 0.1), True)]
    parts.append(Part(ellipse(0, 0.31, body, 0.19), fur, True))
    if belly > 0.4:
        parts.append(Part(ellipse(0, 0.36, body * 0.55, 0.12), lighter(fur, 0.45)))
    parts += _ears(thing.shape, fur, half, ear_size, behind=True)
    parts.append(Part(ellipse(0, HEAD, half, 0.22), fur, True))
    if patch > 0.55:
        parts.append(Part(ellipse(half * 0.42, HEAD - 0.04, 0.095, 0.1), darker(fur, 0.2) if patch > 0.78 else lighter(fur, 0.5)))
    parts += _ears(thing.shape, fur, half, ear_size, behind=False)
    parts.append(Part(ellipse(0, HEAD + 0.09, 0.11, 0.075), lighter(fur, 0.55)))
    parts.append(Part(ellipse(0, HEAD + 0.06, 0.035, 0.028), INK))
    parts += [Part(ellipse(at * half * 0.45, HEAD - 0.03, 0.034, 0.042), INK) for at in (-1, 1)]
    if scarf > 0.5:
        parts.append(Part(ellipse(0, HEAD + 0.215, body * 0.92, 0.045), accent))
    return parts


def _ears(kind: str, fur: tuple[int, int, int], half: float, size: float, behind: bool) -> list[Part]:
    grow = 0.9 + 0.2 * size
    parts = []
    for side in (-1, 1):
        if kind == "cat" and behind:
            tip = HEAD - 0.16 - 0.22 * grow
            parts.append(Part(polygon(side * half * 1.0, HEAD - 0.02, side * half * 0.95, tip, side * half * 0.12, HEAD - 0.15), fur, True))
            parts.append(
                Part(polygon(side * half * 0.86, HEAD - 0.1, side * half * 0.86, tip + 0.08, side * half * 0.38, HEAD - 0.16), PINK)
            )
        elif kind == "rabbit" and behind:
            parts.append(Part(ellipse(side * half * 0.45, HEAD - 0.29, 0.085, 0.21 * grow, side * 0.12), fur, True))
            parts.append(Part(ellipse(side * half * 0.45, HEAD - 0.28, 0.042, 0.15 * grow, side * 0.12), PINK))
        elif kind == "bear" and behind:
            parts.append(Part(ellipse(side * half * 0.78, HEAD - 0.18, 0.12 * grow, 0.12 * grow), fur, True))
            parts.append(Part(ellipse(side * half * 0.78, HEAD - 0.18, 0.065 * grow, 0.065 * grow), PINK))
        elif kind == "dog" and not behind:
            parts.append(Part(ellipse(side * (half + 0.01), HEAD + 0.03, 0.095, 0.21 * grow, side * -0.22), darker(fur, 0.32), True))
    return parts
