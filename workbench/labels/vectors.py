"""A vector for each label, found by its name: from a word vector file (GloVe, word2vec), or from the file that is shipped.

The shipped file holds sentence embeddings of the labels of all supported data sets (see `workbench.labels.ship`).
Shapes: C labels, G vector width.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from workbench.categories import Categories
from workbench.errors import WorkbenchError, did_you_mean
from workbench.files import atomic
from workbench.labels.words import read_words, spelled

SHIPPED = Path(__file__).with_name("label_vectors.safetensors")
SCHEMA_VERSION = 1


class LabelVectors:
    """One vector a label.

    Args:
        categories: names of the C rows.
        values: float [C, G].
        made_from: for each label the words whose vectors were averaged, one word where nothing was.
        source: where they come from, in words.

    Raises:
        WorkbenchError: another number of rows than labels, or numbers that are not finite.
    """

    def __init__(
        self, categories: Categories, values: np.ndarray, made_from: Mapping[str, tuple[str, ...]] | None = None, source: str = "given"
    ) -> None:
        values = np.asarray(values)
        if values.dtype.kind != "f" or values.ndim != 2 or len(values) != len(categories) or not values.shape[1]:
            raise WorkbenchError(
                f"The vectors are {values.dtype} {list(values.shape)}; {len(categories)} labels take floats [{len(categories)}, width]."
            )
        values = values.astype(np.float32)
        if not np.isfinite(values).all():
            bad = categories[int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])]
            raise WorkbenchError(f'The vector of "{bad}" holds numbers that are not finite; get the vectors again.')
        self.categories, self.values, self.source = categories, values, source
        self.made_from = {name: tuple((made_from or {}).get(name, (name,))) for name in categories}

    @property
    def width(self) -> int:
        return int(self.values.shape[1])

    @property
    def averaged(self) -> dict[str, tuple[str, ...]]:
        """The labels whose vector is a mean over several words, and those words."""
        return {name: words for name, words in self.made_from.items() if len(words) > 1}

    @classmethod
    def shipped(cls, categories: Categories) -> LabelVectors:
        """From the file that comes with the library. Raises WorkbenchError, with near names, for a label that is not in it."""
        return cls.from_safetensors(SHIPPED, categories)

    @classmethod
    def from_file(cls, path: str | Path, categories: Categories, width: int | None = None) -> LabelVectors:
        """From a .safetensors file that `save` wrote, or from a text file of word vectors (`from_text`).

        Args:
            width: refuse vectors of another width.
        """
        path = Path(path)
        found = cls.from_safetensors(path, categories) if path.suffix == ".safetensors" else cls.from_text(path, categories)
        if width is not None and found.width != width:
            raise WorkbenchError(f"{path} holds vectors of width {found.width}, and {width} is expected; give another file.")
        return found

    @classmethod
    def from_text(cls, path: str | Path, categories: Categories) -> LabelVectors:
        """Look labels up in a text file of word vectors, GloVe's or word2vec's, gzipped or not, reading it line by line.

        A label that is a word of the file ("traffic_light" too) takes its vector; any other is the mean of its words, which
        `averaged` tells.

        Raises:
            WorkbenchError: a word that is not there, with near ones that are; or a file that is missing, damaged or not such a text.
        """
        wanted = {name: spelled(name) for name in categories}
        tokens = {token for wholes, words in wanted.values() for token in (*wholes, *words)}
        found = read_words(Path(path), tokens)
        values, made_from = [], {}
        for name, (wholes, words) in wanted.items():
            whole = next((token for token in wholes if token in found.vectors), None)
            used = (whole,) if whole else words
            for word in used:
                if word not in found.vectors:
                    found.refuse(name, word)
            values.append(np.mean([found.vectors[word] for word in used], axis=0))
            made_from[name] = tuple(used)
        return cls(categories, np.stack(values), made_from, f"words of {Path(path).name}")

    @classmethod
    def from_safetensors(cls, path: str | Path, categories: Categories) -> LabelVectors:
        """Look labels up in a file that `save` wrote; it may hold others too."""
        path = Path(path)
        if not path.is_file():
            raise WorkbenchError(f"There is no label vector file {path}; give one that LabelVectors.save wrote, or a text of word vectors.")
        try:
            with safe_open(path, framework="np") as file:
                about = json.loads((file.metadata() or {})["label-vectors"])
                values = file.get_tensor("vectors")
            names, schema, source = list(about["names"]), about["schema"], str(about["source"])
            made_from = {str(name): tuple(str(word) for word in words) for name, words in about["made_from"].items()}
        except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            reason = (str(error).splitlines() or [""])[0][:200]
            raise WorkbenchError(f"{path} cannot be read as label vectors ({type(error).__name__}: {reason}); get it again.") from None
        if schema != SCHEMA_VERSION:
            raise WorkbenchError(f"{path} has label vector schema {schema}, this version reads {SCHEMA_VERSION}; make it again.")
        whole = cls(Categories(names), values, made_from, source)
        return whole.of(categories, str(path) if path != SHIPPED else "the shipped label vectors")

    def of(self, categories: Categories, where: str = "these label vectors") -> LabelVectors:
        """The vectors of other labels that are all among mine, in their order. Raises WorkbenchError, with near names, otherwise."""
        missing = [name for name in categories if name not in self.categories]
        if missing:
            raise WorkbenchError(
                f'There is no vector for "{missing[0]}"{f" and {len(missing) - 1} more" if len(missing) > 1 else ""} in {where}; '
                f'give a word vector file or vectors="learned".{did_you_mean(missing[0], self.categories)}'
            )
        rows = [self.categories.index(name) for name in categories]
        return LabelVectors(categories, self.values[rows], {name: self.made_from[name] for name in categories}, self.source)

    def save(self, path: str | Path, dtype: type[np.floating] = np.float32) -> Path:
        """Write a safetensors file; `dtype` may be np.float16."""
        about = {"schema": SCHEMA_VERSION, "names": list(self.categories), "made_from": self.made_from, "source": self.source}
        with atomic(path) as temporary:
            save_file({"vectors": self.values.astype(dtype)}, temporary, metadata={"label-vectors": json.dumps(about)})
        return Path(path)

    def describe(self) -> str:
        """Where the vectors come from, and which are means over words."""
        means = "; ".join(f"{name} = mean of {', '.join(words)}" for name, words in self.averaged.items())
        return f"{len(self.categories)} vectors of width {self.width}, {self.source}" + (f". {means}" if means else "")

    def __repr__(self) -> str:
        return f"LabelVectors({len(self.categories)} labels, width {self.width}, {self.source})"


def nearest(vectors: LabelVectors, name: str, count: int = 5) -> list[tuple[str, float]]:
    """The labels whose vectors point most nearly the same way, with the cosine."""
    unit = vectors.values / np.linalg.norm(vectors.values, axis=1, keepdims=True).clip(1e-12)
    cosines = unit @ unit[vectors.categories.index(name)]
    order: Iterable[int] = np.argsort(-cosines, kind="stable")
    return [(vectors.categories[row], float(cosines[row])) for row in order if vectors.categories[row] != name][:count]
