"""Which dimension of a layer's output is what: established by trying, never taken from the number of dimensions.

The model is asked a few times, and what changes in the layer's output tells. Two and five images: the dimension of the batch. An image
twice as high, then one twice as wide: rows and columns, where the model takes other sizes. One pixel changed in each of the four corners:
where the positions that change most stand, at the layer or at an earlier one with as many positions, before attention mixes them; that
also finds tokens that stand before or behind the grid (class and register tokens). Last, the width of the norm, convolution or linear
layer that made the output: the one dimension of that width holds the channels. What none of them settles is refused, with what to pass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from workbench.analysis.layers import LayerName, calls_of, watching
from workbench.capture import Subject
from workbench.errors import WorkbenchError

IMAGES = 5  # the plain one, and one for each corner
PASS = 'layout="NCHW", "NHWC", "tokens", or "tokens+5" where five others stand before those of the grid'
WIDTHS = ((nn.Conv2d, "out_channels"), (nn.Linear, "out_features"), (nn.BatchNorm2d, "num_features"), (nn.GroupNorm, "num_channels"))


@dataclass(frozen=True)
class Layout:
    """Where a layer's output [...] holds what.

    Attributes:
        batch, channel: dimensions. positions: those of rows and columns, or the one of tokens, row by row.
        grid: (h, w). first: number of tokens before those of the grid.
    """

    batch: int
    channel: int
    positions: tuple[int, ...]
    grid: tuple[int, int]
    first: int = 0

    def arranged(self, values: Tensor) -> Tensor:
        """The output as [B, D, h, w]."""
        values = values.permute(self.batch, self.channel, *self.positions)
        if len(self.positions) == 2:
            return values
        return values[:, :, self.first : self.first + self.grid[0] * self.grid[1]].unflatten(2, self.grid)


def establish(subject: Subject, layer: LayerName, given: str | None = None) -> tuple[LayerName, int, Layout]:
    """The layout of a layer's output for images of the subject's size.

    Args:
        given: what the caller says, see `PASS`.

    Returns: the layer, which of its calls in one pass is meant, and the layout.

    Raises: WorkbenchError where the output has no grid of positions, or where nothing tells which dimension is what.
    """
    look = _Look(subject, layer)
    several, two = look.shape, _shape(subject, layer, subject.size, 2)
    told = f'Layer "{layer}" gives {list(several)} for {IMAGES} images of {subject.size[0]} x {subject.size[1]}'
    changed = [place for place, (many, few) in enumerate(zip(several, two, strict=False)) if many != few]
    if len(several) != len(two) or len(changed) != 1 or several[changed[0]] != IMAGES or two[changed[0]] != 2:
        raise WorkbenchError(f"{told}: one dimension mixes images with windows or parts, so there is no grid; name the block around it.")
    (batch,) = changed
    rest = [place for place in range(len(several)) if place != batch]
    if len(rest) not in (2, 3):
        raise WorkbenchError(f"{told}: no maps [B, D, h, w] and no tokens [B, T, D], so there is no grid; name another layer.")
    if given is not None:
        return layer, look.call, _given(subject, given, several, batch, rest, told)
    sizes = _Sizes.of(subject, layer, several, batch)
    found = _of_grid(look, sizes, batch, rest) if len(rest) == 3 else _of_tokens(look, sizes, batch, rest)
    if found is None:
        raise WorkbenchError(f"{told}; which of them are positions is not established, if any. Say it with {PASS}, or name another layer.")
    if found.grid == (1, 1) and not (sizes and sizes.rows):
        raise WorkbenchError(f"{told}: one position, so there is no grid; name an earlier layer.")
    return layer, look.call, found


def _of_grid(look: _Look, sizes: _Sizes | None, batch: int, rest: list[int]) -> Layout | None:
    """Layout of an output of four dimensions."""
    shape = look.shape
    if sizes and (sizes.rows or sizes.columns):
        if len(sizes.rows) != 1 or len(sizes.columns) != 1 or sizes.rows == sizes.columns:
            return None  # such as weights between positions
        row, column = sizes.rows[0], sizes.columns[0]
        (channel,) = [place for place in rest if place not in (row, column)]
        return Layout(batch, channel, (row, column), (shape[row], shape[column]))
    if look.found is not None:
        return look.found
    channel_or_none = look.channel(rest)
    if channel_or_none is None:
        return None
    row, column = [place for place in rest if place != channel_or_none]
    grid = (shape[row], shape[column])
    return Layout(batch, channel_or_none, (row, column), grid) if in_shape(grid, look.size) else None


def _of_tokens(look: _Look, sizes: _Sizes | None, batch: int, rest: list[int]) -> Layout | None:
    """Layout of an output of three dimensions."""
    shape = look.shape
    if sizes and (sizes.rows or sizes.columns):
        if len(sizes.rows) != 1 or sizes.rows != sizes.columns:
            return None
        (tokens,), total = sizes.rows, shape[sizes.rows[0]]
        (channel,) = [place for place in rest if place != tokens]
        cells = sizes.grown(tokens) - total
        for known in (look.found, look.sequence(total)):
            if known is not None and known.grid[0] * known.grid[1] == cells:
                return Layout(batch, channel, (tokens,), known.grid, known.first)
        grid = grid_of(cells, look.size) if cells == total else None
        return None if grid is None else Layout(batch, channel, (tokens,), grid)
    if look.found is not None:
        return look.found
    width = look.channel(rest)
    fitting = [(place, known) for place in rest if (known := look.sequence(shape[place])) is not None]
    if len(fitting) == 2:
        fitting = [(place, known) for place, known in fitting if place != width]
    if len(fitting) != 1 or fitting[0][0] == width:
        return None
    ((tokens, known),) = fitting
    (channel,) = [place for place in rest if place != tokens]
    return Layout(batch, channel, (tokens,), known.grid, known.first)


def _given(subject: Subject, text: str, shape: tuple[int, ...], batch: int, rest: list[int], told: str) -> Layout:
    """What the caller says of the dimensions other than the batch's."""
    match = re.fullmatch(r"NCHW|NHWC|tokens(?:\+(\d+))?(?:, (\d+) ?x ?(\d+))?", text)
    if not match:
        raise WorkbenchError(f'layout="{text}" is not understood; say {PASS}; a grid that is not the picture\'s: "tokens+5, 7x12".')
    if text in ("NCHW", "NHWC"):
        if len(rest) != 3:
            raise WorkbenchError(f'{told}, which cannot be "{text}"; say "tokens", or "tokens+5" for five others before those of the grid.')
        channel = rest[0] if text == "NCHW" else rest[-1]
        rows, columns = (place for place in rest if place != channel)
        return Layout(batch, channel, (rows, columns), (shape[rows], shape[columns]))
    if len(rest) != 2:
        raise WorkbenchError(f'{told}, which cannot be "{text}"; say "NCHW" or "NHWC".')
    tokens, channel = rest
    first = int(match[1] or 0)
    cells = shape[tokens] - first
    grid = (int(match[2]), int(match[3])) if match[2] else grid_of(cells, subject.size)
    if grid is None or grid[0] * grid[1] > cells:
        raise WorkbenchError(
            f'{told}: with layout="{text}" {cells} tokens are left for a grid in the shape of the picture, which they cannot fill; say how '
            f'many stand before the grid, and its size, such as layout="tokens+{first}, 7x12".'
        )
    return Layout(batch, channel, (tokens,), grid, first)


def grid_of(cells: int, size: tuple[int, int]) -> tuple[int, int] | None:
    """The grid (h, w) of so many cells that has the picture's shape, or None."""
    fitting = [(rows, cells // rows) for rows in range(1, cells + 1) if cells % rows == 0 and in_shape((rows, cells // rows), size)]
    return min(fitting, key=lambda grid: abs(grid[0] * size[1] - grid[1] * size[0])) if fitting else None


def in_shape(grid: tuple[int, int], size: tuple[int, int]) -> bool:
    """Whether a grid has the picture's shape, but for less than one cell on a side."""
    return abs(grid[0] * size[1] - grid[1] * size[0]) < max(size)


def _ask(subject: Subject, images: Tensor) -> None:
    with torch.inference_mode(False), torch.no_grad():
        subject.score(images)


def _image(size: tuple[int, int], device: torch.device) -> Tensor:
    """A picture without a pattern, the same each time, which leaves the random numbers of others alone: float [1, 3, H, W] in 0..1."""
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)).to(device)


def _shape(subject: Subject, layer: LayerName, size: tuple[int, int], images: int) -> tuple[int, ...]:
    with watching(subject.module, layer) as calls:
        _ask(subject, _image(size, subject.device).expand(images, -1, -1, -1).contiguous())
    return tuple(layer.of(calls).shape)


@dataclass(frozen=True)
class _Sizes:
    """What grows with the image: dimensions that change with its height and with its width, and both shapes."""

    rows: list[int]
    columns: list[int]
    higher: tuple[int, ...]
    wider: tuple[int, ...]

    @classmethod
    def of(cls, subject: Subject, layer: LayerName, shape: tuple[int, ...], batch: int) -> _Sizes | None:
        """None where the model takes no other size."""
        height, width = subject.size
        try:
            higher, wider = (_shape(subject, layer, size, 1) for size in ((2 * height, width), (height, 2 * width)))
        except Exception:  # whatever a model raises that was built for one size
            return None
        if len(higher) != len(shape) or len(wider) != len(shape):
            return None
        rows, columns = ([at for at, side in enumerate(other) if at != batch and side != shape[at]] for other in (higher, wider))
        return cls(rows, columns, higher, wider)

    def grown(self, place: int) -> int:
        """Size of a dimension for the larger images, 0 where the two differ."""
        return self.higher[place] if self.higher[place] == self.wider[place] else 0


class _Look:
    """A forward pass over a picture and four copies of which one corner pixel differs, as every module sees it.

    Attributes:
        size: (height, width) of the picture. shape: of the layer's output. found: the layout that the corners show there, or None.
    """

    def __init__(self, subject: Subject, layer: LayerName) -> None:
        self.size = subject.size
        self._layer = subject.module.get_submodule(layer.name)
        self._sequences: dict[int, Layout] = {}
        self._width: int | None = None  # of what a module with weights made last
        self._made: list[int | None] = []  # the same at the end of each call of the layer
        images = _image(subject.size, subject.device).repeat(IMAGES, 1, 1, 1)
        for place, (row, column) in enumerate(((0, 0), (0, -1), (-1, 0), (-1, -1)), start=1):
            images[place, :, row, column] = (images[place, :, row, column] + 0.5) % 1
        handles = [module.register_forward_hook(self._look) for module in subject.module.modules()]
        try:
            with watching(subject.module, layer) as calls:
                _ask(subject, images)
        finally:
            for handle in handles:
                handle.remove()
        values = layer.of(calls)
        self.call = calls_of(layer, calls)
        self.shape = tuple(values.shape)
        self.found = _by_corners(values, self.size)
        self.width = self._made[self.call - 1]

    def sequence(self, count: int) -> Layout | None:
        """The layout in which a sequence of so many tokens was first seen."""
        return self._sequences.get(count)

    def channel(self, rest: list[int]) -> int | None:
        """The one dimension that is as wide as what made the output."""
        fitting = [place for place in rest if self.shape[place] == self.width]
        return fitting[0] if len(fitting) == 1 else None

    def _look(self, module: nn.Module, _inputs: Any, output: Any) -> None:
        self._width = width_of(module) or self._width
        if module is self._layer:
            self._made.append(self._width)
        values = output[0] if isinstance(output, tuple | list) and output else output
        if isinstance(values, Tensor) and values.is_floating_point() and values.ndim == 3:
            found = _by_corners(values, self.size)
            if found is not None:
                self._sequences.setdefault(values.shape[found.positions[0]], found)


def width_of(module: nn.Module) -> int | None:
    """How many channels a module with weights makes, or None for others."""
    if isinstance(module, nn.LayerNorm):
        return int(module.normalized_shape[-1])
    for kind, name in WIDTHS:
        if isinstance(module, kind):
            return int(getattr(module, name))
    return None


def _by_corners(values: Tensor, size: tuple[int, int]) -> Layout | None:
    """The layout in which the four pixels change most what stands in the four corners of the grid; None where none does, or two do."""
    batches = [place for place in (0, 1) if values.ndim in (3, 4) and values.shape[place] == IMAGES]
    found = []
    for batch in batches:
        rest = [place for place in range(values.ndim) if place != batch]
        moved = values.movedim(batch, 0).float()
        change = (moved[1:] - moved[:1]).abs().nan_to_num()
        for place, channel in enumerate(rest):
            if values.ndim == 4 and place == 1:
                continue  # channels stand before or behind the grid
            where = change.amax(dim=place + 1)
            corner = where.flatten(1).argmax(dim=1).tolist() if float(where.amax()) > 0 else [0, 0, 0, 0]
            left = [other for other in rest if other != channel]
            grid, first = (_corners_of_tokens if len(left) == 1 else _corners_of_grid)(corner, tuple(where.shape[1:]))
            if grid is not None and in_shape(grid, size):
                found.append(Layout(batch, channel, tuple(left), grid, first))
    return found[0] if len(found) == 1 else None


def _corners_of_grid(corner: list[int], shape: tuple[int, ...]) -> tuple[tuple[int, int] | None, int]:
    rows, columns = shape
    wanted = [0, columns - 1, (rows - 1) * columns, rows * columns - 1]
    return ((rows, columns) if corner == wanted and rows > 1 and columns > 1 else None), 0


def _corners_of_tokens(corner: list[int], shape: tuple[int, ...]) -> tuple[tuple[int, int] | None, int]:
    first, right, below, _ = corner
    columns = right - first + 1
    rows = (below - first) // max(columns, 1) + 1
    fits = columns > 1 and rows > 1 and corner == [first, right, first + (rows - 1) * columns, first + rows * columns - 1]
    return ((rows, columns) if fits else None), first
