"""TemplateExplorer: what SRN's last convolution compares. Choose a pair of labels, see the neurons that lead from one to the other.

A neuron reads a mixture of labels through a template as large as the grid, and what it says moves the scores of labels. All of that is
read from weights, so it names candidates; `MoveLab` puts them to the test. Shapes: K neurons, C labels, H W the grid, N images.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from workbench.categories import Categories
from workbench.errors import WorkbenchError, did_you_mean
from workbench.widgets.asked import Question
from workbench.widgets.explorer import Explorer, Snapshot
from workbench.widgets.payload import pack

NEURONS = 8  # of a pair that are shown
TOP = 8  # images of a neuron
SIDE, QUALITY = 96, 86  # of their pictures
SORTS = ("stored", "name")
VALUES = {
    "strength": ("How strongly the row's score depends on the column's attention", "Sum over neurons of |out| × norm of template × |in|."),
    "share": ("Share of all that the row's score depends on", "The same as a share of its row, the label's own place left out."),
}


class Traced(Protocol):
    """All neurons of one model, as `workbench.analysis.templates.trace` gives them."""

    categories: Categories
    template: np.ndarray
    inflow: np.ndarray
    outflow: np.ndarray


class TemplateExplorer(Explorer, kind="traces"):
    """The neurons of SRN's regularisation by the pair of labels that they connect, with the images that they fire on.

    Args:
        templates: what `workbench.analysis.templates.trace` gave: template [K, H, W], inflow and outflow [K, C].
        fired: float [N, K], from `activations`; without it there are no images.
        pictures: uint8 [N, H, W, 3], the images of `fired`; ids: their names, by default their numbers.
        view: entries of `view_state`: other (the label that is read), label (the one that is moved), neuron (its number, or None for the
            strongest of the pair), sort ("stored", "name"), values ("strength",
            "share"), image. By default the pair of different labels that is connected most.

    Attributes:
        view_state, image, label, status: see `Explorer`; `image` is the one that was clicked.

    Raises:
        WorkbenchError: arrays that do not fit together, or a view that cannot be.
    """

    def __init__(
        self,
        templates: Traced,
        fired: np.ndarray | None = None,
        pictures: np.ndarray | None = None,
        ids: Sequence[str] | None = None,
        **view: Any,
    ) -> None:
        self._templates = templates
        self._strength = strengths(templates)  # [K, C moved, C read]
        self._top, self._pictures, self._ids = _images(len(templates.template), fired, pictures, ids)
        pairs = self._strength.sum(0) * (1 - np.eye(len(templates.categories)))
        moved, read = np.unravel_index(int(pairs.argmax()), pairs.shape)
        names = list(templates.categories)
        self._view = {
            "image": "",
            "label": names[int(moved)],
            "other": names[int(read)],
            "neuron": None,
            "sort": "stored",
            "values": "strength",
        }
        self._view = self._checked(view)
        super().__init__()

    def _opening(self) -> dict[str, Any]:
        return {"description": self.describe(), "tables": self.tables(), "thumbnails": self._thumbnails(self.images())}

    @property
    def neurons(self) -> list[int]:
        """The neurons that lead most strongly from the label that is read to the one that is moved, strongest first."""
        moved, read = (self._templates.categories.index(self._view[key]) for key in ("label", "other"))
        return [int(neuron) for neuron in np.argsort(-self._strength[:, moved, read], kind="stable")[:NEURONS]]

    @property
    def neuron(self) -> int:
        """The one in view."""
        return self.neurons[0] if self._view["neuron"] is None else int(self._view["neuron"])

    def images(self, neuron: int | None = None) -> list[int]:
        """Places of the images that a neuron fires on most, silent ones left out; by default of the one in view."""
        row = self._top[self.neuron if neuron is None else neuron]
        return [int(image) for image in row if image >= 0]

    def thumbnail(self, image: int) -> bytes:
        """A JPEG of an image."""
        assert self._pictures is not None
        buffer = io.BytesIO()
        picture = Image.fromarray(self._pictures[image]).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        picture.save(buffer, "JPEG", quality=QUALITY)
        return buffer.getvalue()

    @property
    def templates(self) -> Traced:
        """The neurons."""
        return self._templates

    @property
    def ids(self) -> Sequence[str]:
        """Names of the images."""
        return self._ids

    def describe(self) -> dict[str, Any]:
        """Names for the browser, as JSON."""
        names = list(self._templates.categories)
        orders = {"stored": list(range(len(names))), "name": sorted(range(len(names)), key=lambda at: names[at].casefold())}
        kinds = [[name, *words] for name, words in VALUES.items()]
        return {"ids": list(self._ids), "categories": names, "orders": orders, "kinds": kinds, "neurons": NEURONS}

    def tables(self) -> dict[str, Any]:
        """All weights, and the images of every neuron (-1: none), as one packet."""
        arrays = {name: np.asarray(getattr(self._templates, name), dtype=np.float32) for name in ("template", "inflow", "outflow")}
        return pack({**arrays, "pairs": self._strength.sum(0).astype(np.float32), "top": self._top.astype(np.int32)})

    def snapshot(self) -> Snapshot:
        """What is shown now as a still picture with its numbers, which stays readable without a kernel."""
        from workbench.widgets.traces_still import describe_neuron, traces_html

        return Snapshot(traces_html(self), describe_neuron(self), self._names())

    def export_html(self, path: str | Path, cap_mb: float = 20) -> Path:
        """Write the explorer as one page that works from disk without a network; pictures as far as `cap_mb` goes, and the page says so."""
        from workbench.widgets.export import page_text, text_packet, write_page

        content: dict[str, Any] = {"description": self.describe(), "tables": text_packet(self.tables()), "view": dict(self._view)}
        content["thumbnails"] = {}
        room = cap_mb * 1e6 - len(page_text("traces", "", "", content).encode()) - 1000
        if room < 0:
            raise WorkbenchError(f"The neurons alone do not fit into {cap_mb:g} MB; raise cap_mb.")
        wanted = sorted({int(image) for image in self._top.ravel() if image >= 0})
        for image in wanted:
            text = base64.b64encode(self.thumbnail(image)).decode()
            room -= len(text) + len(json.dumps(str(image))) + 6
            if room < 0:
                break
            content["thumbnails"][str(image)] = text
        note = f"{len(self._top)} neurons, and the images of {len(self._ids)} that they fire on most."
        if len(content["thumbnails"]) < len(wanted):
            note += f" The page was cut at {cap_mb:g} MB: it holds {len(content['thumbnails'])} of {len(wanted)} pictures."
        return write_page(Path(path), page_text("traces", "What SRN's templates compare", note, content), len(content["thumbnails"]))

    def __repr__(self) -> str:
        from workbench.widgets.traces_still import describe_neuron

        return f"TemplateExplorer: {describe_neuron(self)}"

    def _checked(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        result = {**self._view, **changes}
        for key in changes:
            if key not in self._view:
                raise WorkbenchError(f'A view has no "{key}".{did_you_mean(key, self._view)}')
        for key in ("label", "other"):
            self._templates.categories.index(result[key])
        if "neuron" not in changes and any(result[key] != self._view[key] for key in ("label", "other")):
            result["neuron"] = None
        neuron, count = result["neuron"], len(self._templates.template)
        if neuron is not None and (isinstance(neuron, bool) or not isinstance(neuron, int) or not 0 <= neuron < count):
            raise WorkbenchError(f'"neuron" is a number from 0 to {count - 1}, or None for the strongest of the pair, not {neuron!r}.')
        for key, known in (("sort", SORTS), ("values", tuple(VALUES))):
            if result[key] not in known:
                raise WorkbenchError(f'"{key}" cannot be {result[key]!r}; use one of {", ".join(known)}.')
        if result["image"] and result["image"] not in self._ids:
            raise WorkbenchError(f'There is no image "{result["image"]}" here.{did_you_mean(str(result["image"]), self._ids)}')
        return result

    def _packet(self, question: Question) -> dict[str, Any] | None:
        if question["ask"] != "thumbnails":
            return None
        images, count = question.numbers("images"), 0 if self._pictures is None else len(self._ids)
        for image in images:
            if not 0 <= image < count:
                raise WorkbenchError(f"There is no image {image}: there are {count} images, counted from 0.")
        return self._thumbnails(images)

    def _thumbnails(self, images: Sequence[int]) -> dict[str, Any]:
        return pack({str(image): np.frombuffer(self.thumbnail(image), dtype=np.uint8) for image in images})


def strengths(templates: Traced) -> np.ndarray:
    """float64 [K, C, C]: how strongly each neuron leads from the column's label to the row's: |out| * norm of template * |in|."""
    size = np.linalg.norm(templates.template.reshape(len(templates.template), -1).astype(np.float64), axis=1)
    return np.abs(templates.outflow)[:, :, None] * size[:, None, None] * np.abs(templates.inflow)[:, None, :]


def slant_of(template: np.ndarray) -> tuple[float, float]:
    """Correlation of a template [H, W] with the column and with the row number: which way (right, down) it grows; 0 if flat."""
    rows, columns = np.mgrid[: template.shape[0], : template.shape[1]].astype(np.float64)
    centred = template - template.mean(dtype=np.float64)
    found = []
    for places in (columns, rows):
        direction = places - places.mean()
        scale = np.linalg.norm(centred) * np.linalg.norm(direction)
        found.append(float((centred * direction).sum() / scale) if scale > 0 else 0.0)
    return found[0], found[1]


def _images(
    neurons: int, fired: np.ndarray | None, pictures: np.ndarray | None, ids: Sequence[str] | None
) -> tuple[np.ndarray, np.ndarray | None, list[str]]:
    """The images of each neuron, int [K, TOP] with -1 for none, the pictures and their names."""
    if fired is None or pictures is None:
        if fired is not None or pictures is not None:
            raise WorkbenchError("Images need both what fired and the pictures; give fired= and pictures=, or neither.")
        return np.full((neurons, 0), -1), None, []
    fired, pictures = np.asarray(fired), np.asarray(pictures)
    names = [str(number) for number in range(len(pictures))] if ids is None else [str(each) for each in ids]
    if fired.shape != (len(pictures), neurons) or pictures.dtype != np.uint8 or pictures.ndim != 4 or len(names) != len(pictures):
        raise WorkbenchError(
            f"What fired is {list(fired.shape)} for {len(pictures)} pictures of {pictures.dtype} {list(pictures.shape[1:])} and "
            f"{len(names)} names; give [N, {neurons}], uint8 [N, H, W, 3] and N names."
        )
    order = np.argsort(-fired, axis=0, kind="stable")[:TOP].T  # [K, TOP]
    silent = np.take_along_axis(fired.T, order, axis=1) <= 0
    return np.where(silent, -1, order), pictures, names
