"""NUS-WIDE (Chua et al. 2009): 269,648 Flickr pictures, 81 concepts.

Two layouts are read. The official lists, as their archives unpack:

    ROOT/ImageList/Imagelist.txt, TrainImagelist.txt, TestImagelist.txt    lines such as ``actor\\0001_2124494179.jpg``
    ROOT/Groundtruth/TrainTestLabels/Labels_sky_Train.txt ...              a 0 or 1 for each line of the split's list; or else
    ROOT/Groundtruth/AllLabels/Labels_sky.txt ...                          a 0 or 1 for each line of Imagelist.txt
    ROOT/ConceptsList/Concepts81.txt                                       the concepts, in column order
    ROOT/Flickr/actor/0001_2124494179.jpg                                  pictures; or flat in ROOT/images/

and the CSV that came with ASL (Ridnik et al. 2021), used by most later papers because many of the pictures are gone: columns
``filepath,label,split_name``, the label cell a list such as ``"['clouds', 'sky']"``, splits "train" and "val".

The archives are not ours to download. The layout was checked against public code that reads it (for the lists MLCPL's reader and a dozen
scripts of retrieval and hashing work, for the CSV several readers of ASL's file; they agree on the above, but for the spelling of
``Groundtruth``), not against the files themselves.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import numpy as np

from workbench.categories import Categories
from workbench.datasets.annotation_cache import Parsed, parsed_once
from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.files import numbered_lines, read_text, require_inside
from workbench.datasets.official import official_categories
from workbench.datasets.rows import read_rows
from workbench.errors import WorkbenchError, did_you_mean
from workbench.pictures import open_rgb

_MISSING = "NUS-WIDE is asked for from its authors, see `workbench data get nuswide`."
_LIST_CELL = re.compile(r"\[\s*(?:'[^']*'|\"[^\"]*\")?(?:\s*,\s*(?:'[^']*'|\"[^\"]*\"))*\s*\]")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


class NusWideDataset(MultiLabelDataset):
    """One split of NUS-WIDE.

    Args:
        root: folder with ImageList/ and Groundtruth/, or with the CSV.
        split: "train" or "test" of the official lists; "train" or "val" of the CSV.
        table: name of the CSV in `root`. Unless given, the official lists are read if they are there, else ``nus_wid_data.csv``.
        images: folder of the pictures, where they lie elsewhere.
        only_labelled: leave out pictures without any of the 81 concepts, as most papers do.

    Raises:
        WorkbenchError: files that are missing, that do not have a line for each picture, or a line that is not what it should be.
    """

    def __init__(
        self,
        root: str | Path,
        split: str,
        table: str | None = None,
        images: str | Path | None = None,
        only_labelled: bool = False,
    ) -> None:
        self.split = split
        root = Path(root)
        parsed = self._of_lists(root) if table is None and (root / "ImageList").is_dir() else self._of_table(root, table)
        targets = parsed.tensors["targets"]
        kept = (targets == 1).any(axis=1) if only_labelled else np.ones(len(targets), dtype=bool)
        self.categories = Categories(parsed.texts["categories"])
        self.targets = targets[kept]
        self._files = [name for name, keep in zip(parsed.texts["files"], kept, strict=True) if keep]
        self.ids = [name.rsplit(".", 1)[0] for name in self._files]
        if len(set(self.ids)) < len(self.ids):
            raise WorkbenchError(f"Two pictures of {root} have names that differ in their ending only; rename one of them.")
        self.name = f"nuswide-{split}" + ("-labelled" if only_labelled else "")
        self._folders = [Path(images)] if images else [root / "Flickr", root / "images", root]

    def file(self, index: int) -> Path:
        name = self._files[index]
        places = [folder / part for folder in self._folders for part in (name, PurePosixPath(name).name)]
        return next((place for place in places if place.is_file()), places[0])

    def image(self, index: int) -> np.ndarray:
        return open_rgb(self.file(index))

    def _of_lists(self, root: Path) -> Parsed:
        splits = {"train": "Train", "test": "Test"}
        if self.split not in splits:
            raise WorkbenchError(f'NUS-WIDE\'s official lists have no split "{self.split}".{did_you_mean(self.split, splits)}')
        part = splits[self.split]
        listed = root / "ImageList" / f"{part}Imagelist.txt"
        concepts_path = _first(root, ("ConceptsList/Concepts81.txt", "Concepts81.txt"))
        concepts = [line for _, line in numbered_lines(concepts_path, _MISSING)]
        spellings = [f"{outer}{inner}" for inner in ("TrainTestLabels", "AllLabels") for outer in ("Groundtruth/", "GroundTruth/", "")]
        folder = _first(root, spellings)
        whole = root / "ImageList" / "Imagelist.txt" if folder.name == "AllLabels" else listed
        ending = "" if folder.name == "AllLabels" else f"_{part}"
        for concept in concepts:
            require_inside(concept, f"{concepts_path}: a concept")
        columns = [folder / f"Labels_{concept}{ending}.txt" for concept in concepts]

        def parse() -> Parsed:
            Categories(concepts)  # refuses an empty list and repeated names
            files = _listed(whole)
            targets = np.zeros((len(files), len(concepts)), dtype=np.int8)
            for column, path in enumerate(columns):
                targets[:, column] = _zeros_and_ones(path, len(files), whole)
            if whole != listed:
                row_of = {name: row for row, name in enumerate(files)}
                files = _listed(listed)
                for name in files:
                    if name not in row_of:
                        raise WorkbenchError(f"{listed} has the picture {name:.80}, which {whole.name} lacks; get the lists again.")
                targets = targets[[row_of[name] for name in files]]
            return Parsed({"targets": targets}, {"files": files, "categories": concepts})

        return parsed_once("nuswide-lists", [listed, whole, concepts_path, *columns], parse)

    def _of_table(self, root: Path, table: str | None) -> Parsed:
        path = root / (table or "nus_wid_data.csv")
        concepts = official_categories("nuswide")
        assert concepts is not None

        def parse() -> Parsed:
            rows, splits, files = [], set(), []
            seen: dict[str, int] = {}
            for line, row in read_rows(path, ("filepath", "label", "split_name"), _MISSING):
                where = f"{path}, line {line}"
                splits.add(row["split_name"])
                if row["split_name"] != self.split:
                    continue
                name = require_inside(row["filepath"], where)
                if name in seen:
                    raise WorkbenchError(f"{where}: {name:.80} is in line {seen[name]} already; remove one of them.")
                seen[name] = line
                if not _LIST_CELL.fullmatch(row["label"].strip()):
                    raise WorkbenchError(
                        f"{where}: the label {row['label']!r:.60} is not a list such as \"['clouds', 'sky']\"; correct it."
                    )
                labels = [single or double for single, double in _QUOTED.findall(row["label"])]
                for label in labels:
                    if label not in concepts:
                        raise WorkbenchError(f'{where}: "{label:.60}" is not one of the 81 concepts.{did_you_mean(label, concepts)}')
                rows.append([concepts.index(label) for label in labels])
                files.append(name)
            if self.split not in splits:
                raise WorkbenchError(f'{path} has no row of the split "{self.split}".{did_you_mean(self.split, sorted(splits))}')
            targets = np.zeros((len(files), len(concepts)), dtype=np.int8)
            for row_number, columns in enumerate(rows):
                targets[row_number, columns] = 1
            return Parsed({"targets": targets}, {"files": files, "categories": list(concepts)})

        return parsed_once("nuswide-table", [path], parse, {"split": self.split})


def _first(root: Path, names: tuple[str, ...] | list[str]) -> Path:
    for name in names:
        if (root / name).exists():
            return root / name
    raise WorkbenchError(f"There is no {names[0]} in {root}; {_MISSING}")


def _listed(path: Path) -> list[str]:
    files = [require_inside(line, f"{path}, line {number}") for number, line in numbered_lines(path, _MISSING)]
    if len(set(files)) < len(files):
        twice = next(name for position, name in enumerate(files) if name in files[:position])
        raise WorkbenchError(f"{path} lists {twice:.80} twice; get the lists again.")
    return files


def _zeros_and_ones(path: Path, count: int, listed: Path) -> np.ndarray:
    values = read_text(path, _MISSING).split()
    if not set(values) <= {"0", "1"}:
        number, line = next((number, line) for number, line in numbered_lines(path, _MISSING) if line not in ("0", "1"))
        raise WorkbenchError(f'{path}, line {number}: "{line:.40}" is neither 0 nor 1; get the label files again.')
    if len(values) != count:
        raise WorkbenchError(f"{path} has {len(values)} lines for the {count} pictures of {listed.name}; get the label files again.")
    return np.array(values) == "1"
