"""Find each object a free place, so that none is hidden by more than the `occlusion` knob allows."""

from __future__ import annotations

from collections.abc import Callable

# Half width and half height of each shape's outline, in cells.
EXTENT = {
    "house": (0.46, 0.5),
    "disc": (0.5, 0.5),
    "diamond": (0.44, 0.5),
    "puff": (0.5, 0.5),
    "pond": (0.49, 0.26),
    "duck": (0.5, 0.39),
    "reed": (0.32, 0.5),
    "tree": (0.37, 0.5),
    "bench": (0.5, 0.35),
    "lamp": (0.22, 0.5),
    "cat": (0.4, 0.5),
    "dog": (0.4, 0.5),
    "bear": (0.4, 0.5),
    "rabbit": (0.4, 0.5),
}
ATTEMPTS = 20
HARD_LIMIT = 0.45  # of an object's box; with any more the later object is left out of the scene, and not labelled

Place = tuple[float, float]


class Table:
    """The boxes laid so far. A later box covers earlier ones, but never one of a higher layer."""

    def __init__(self, occlusion: float) -> None:
        self.limit = 0.02 + (HARD_LIMIT - 0.02) * occlusion
        self._boxes: list[tuple[float, float, float, float, int]] = []
        self._hidden: list[float] = []

    def lay(self, x: float, y: float, half: Place, layer: int = 1) -> None:
        """Put a box down, whatever it covers."""
        covers, hidden = self._covered(x, y, half, layer)
        self._commit(x, y, half, layer, covers, hidden)

    def find(self, half: Place, propose: Callable[[], Place | None], layer: int = 1, shrinkable: bool = True) -> tuple[Place, float] | None:
        """A place among those that `propose` offers, and by how much the box had to shrink for it; None where all is too full."""
        for shrink in (1.0, 0.8) if shrinkable else (1.0,):
            small = (half[0] * shrink, half[1] * shrink)
            best: tuple[float, Place, dict[int, float], float] | None = None
            for _ in range(ATTEMPTS):
                place = propose()
                if place is None:
                    continue
                covers, hidden = self._covered(*place, small, layer)
                worst = max([hidden, *(self._hidden[k] + share for k, share in covers.items())])
                if best is None or worst < best[0]:
                    best = (worst, place, covers, hidden)
                if worst <= self.limit:
                    break
            if best is not None and best[0] <= (self.limit if shrink == 1.0 and shrinkable else HARD_LIMIT):
                self._commit(*best[1], small, layer, best[2], best[3])
                return best[1], shrink
        return None

    def _covered(self, x: float, y: float, half: Place, layer: int) -> tuple[dict[int, float], float]:
        """(share of each box that a new one would hide, share of the new one that higher layers hide)."""
        wide, tall = half
        x0, y0, x1, y1 = x - wide, y - tall, x + wide, y + tall
        covers, hidden = {}, 0.0
        for k, (a0, b0, a1, b1, other) in enumerate(self._boxes):
            across = (x1 if x1 < a1 else a1) - (x0 if x0 > a0 else a0)
            if across <= 0:
                continue
            down = (y1 if y1 < b1 else b1) - (y0 if y0 > b0 else b0)
            if down <= 0:
                continue
            if other > layer:
                hidden += across * down / (4 * wide * tall)
            else:
                covers[k] = across * down / ((a1 - a0) * (b1 - b0))
        return covers, hidden

    def _commit(self, x: float, y: float, half: Place, layer: int, covers: dict[int, float], hidden: float) -> None:
        for k, share in covers.items():
            self._hidden[k] += share
        self._boxes.append((x - half[0], y - half[1], x + half[0], y + half[1], layer))
        self._hidden.append(hidden)
