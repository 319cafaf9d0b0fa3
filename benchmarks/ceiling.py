"""How well can a map point that has so few cells? Every map of every shipped archive beside the best map at its grid.

    python -m benchmarks.ceiling                # measures data/*.safetensors and prints the table of studies/ceiling.json
    python -m benchmarks.ceiling ARCHIVE...     # prints the table of other archives

A share above 100 % is possible, see `workbench.metrics.references`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.common import STUDIES, machine, write_json
from benchmarks.tables import markdown

MEASURES = ("pointing", "energy", "iou@0.2", "iou@0.5")
HEAD = ["archive", "map", *MEASURES]


def measured(path: Path) -> dict[str, Any] | None:
    """The figures of one archive, None without regions."""
    from workbench import Inspection
    from workbench.metrics.pointing import localisation

    inspection = Inspection.open(path)
    found = localisation(inspection)
    if not found:
        return None
    titles = {name: kind.title for name, kind in inspection.map_kinds.items()}
    maps = {}
    for row, entry in found["pointing"].items():
        maps[row] = {"title": titles.get(row, row), "ceiling": entry.get("ceiling")}
        maps[row] |= {measure: _rounded(found[measure][row]["overall"]) for measure in MEASURES}
        maps[row]["by_size"] = {
            size: {
                "n": part["n"],
                "pointing": _rounded(part["overall"]),
                "energy": _rounded(found["energy"][row]["by_size"][size]["overall"]),
            }
            for size, part in entry["by_size"].items()
        }
    return {"archive": path.stem, "images": len(inspection), "pairs": found["pointing"]["random map"]["n"], "maps": maps}


def rows(found: list[dict[str, Any]]) -> list[list[str]]:
    """Every measure, over objects of all sizes."""
    from workbench.metrics.pointing import of_best

    lines = [HEAD]
    for archive in found:
        for entry in archive["maps"].values():
            best = archive["maps"].get(entry["ceiling"], {})
            lines.append([archive["archive"], entry["title"], *(of_best(entry[measure], best.get(measure)) for measure in MEASURES)])
    return lines


def by_size(found: list[dict[str, Any]], measure: str = "pointing") -> list[list[str]]:
    """Pointing or energy on small and large objects: the maps of each archive, and the best maps."""
    from workbench.metrics.pointing import SIZES, of_best
    from workbench.metrics.references import BEST_MAP

    lines = [["archive", "map", *SIZES]]
    for archive in found:
        for row, entry in archive["maps"].items():
            if entry["ceiling"] or row.startswith(BEST_MAP):
                best = archive["maps"].get(entry["ceiling"], {"by_size": {}})["by_size"]
                sizes = [(part, best.get(size, {})) for size, part in entry["by_size"].items()]
                cells = [f"{of_best(part[measure], other.get(measure))}, n = {part['n']}" for part, other in sizes]
                lines.append([archive["archive"], entry["title"], *cells])
    return lines


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)


def main() -> None:
    parser = argparse.ArgumentParser(description="Every map of every shipped archive beside the best map at its grid.")
    parser.add_argument("archives", nargs="*", type=Path, help="other archives; nothing is written")
    arguments = parser.parse_args()
    shipped = sorted((STUDIES.parent / "data").glob("*.safetensors"))
    found = [entry for path in arguments.archives or shipped if (entry := measured(path))]
    if not arguments.archives:
        without = [path.stem for path in shipped if path.stem not in {entry["archive"] for entry in found}]
        study = {"study": "how well can a map of so few cells point", "command": "python -m benchmarks.ceiling", "without regions": without}
        write_json(STUDIES / "ceiling.json", {**study, "rows": found, "machine": machine()})
    print(markdown(rows(found)))
    print()
    print(markdown(by_size(found)))


if __name__ == "__main__":
    main()
