"""Open Images CSV: image-level labels (ImageID, LabelName, Confidence) and boxes (XMin, XMax, YMin, YMax in shares of the picture).

Confidence 1 is a label that people confirmed, 0 one that they refused; what is not listed for an image is unknown. Class names are read
from class-descriptions*.csv or oidv*-class-descriptions*.csv ("/m/011k07,Tortoise") where one is there.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from workbench.datasets.files import read_text
from workbench.datasets.formats.listed import Listed, ListedDataset
from workbench.datasets.rows import read_rows
from workbench.errors import WorkbenchError

_MISSING = "name the folder of the CSV files."


def openimages(
    root: str | Path, split: str = "all", categories: Sequence[str] | None = None, images: str | Path | None = None, bits: int | None = None
) -> ListedDataset:
    """One split: the CSV files that begin with its name ("train-annotations-human-imagelabels.csv"); "all": all of them."""
    root = Path(root)
    tables = [root] if root.is_file() else sorted(root.glob("*.csv"))
    folder = root.parent if root.is_file() else root
    names: dict[str, str] = {}
    found: dict[str, Listed] = {}
    for table in tables if root.is_dir() else sorted(folder.glob("*.csv")):
        if "class-descriptions" in table.name:
            names |= {
                row[0]: row[1] for row in csv.reader(read_text(table, _MISSING).splitlines()) if len(row) == 2 and row[0] != "LabelName"
            }
    for table in tables:
        if "class-descriptions" in table.name or (split != "all" and not table.name.startswith(split)):
            continue
        for line, row in read_rows(table, (), _MISSING):
            if "ImageID" not in row or "LabelName" not in row:
                break  # another of the tables that come along, such as the list of pictures
            where = f"{table}, line {line}"
            one = found.setdefault(row["ImageID"], Listed(row["ImageID"], where, relative=True))
            label = names.get(row["LabelName"], row["LabelName"])
            confidence = row.get("Confidence", "1").strip()
            if confidence not in ("0", "1", "0.0", "1.0"):
                raise WorkbenchError(f"{where}: Confidence is {confidence!r:.30}, not 0 or 1: use the human-verified labels.")
            if "XMin" in row:
                try:
                    box = (float(row["XMin"]), float(row["YMin"]), float(row["XMax"]), float(row["YMax"]))
                except (ValueError, KeyError):
                    raise WorkbenchError(f"{where}: the box is not four numbers; correct it.") from None
                one.boxes.append((label, box))
            one.labels[label] = max(one.labels.get(label, 0), int(confidence[0]))
    return ListedDataset(
        folder.name or "openimages", Path(images) if images else folder, list(found.values()), split, categories, unlisted=-1, bits=bits
    )
