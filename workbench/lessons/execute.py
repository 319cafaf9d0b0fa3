"""Run notebooks from start to end and keep what a reader without a kernel needs: python -m workbench.lessons.execute notebooks/*.ipynb

What goes: live widgets, which show nothing without a kernel (their still pictures stay), times, and the numbers of kernels.
"""

from __future__ import annotations

import argparse
import copy
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError

LIVE = "application/vnd.jupyter.widget-view+json"
OPEN_PLACE = re.compile(r"= \.\.\.(?=\s|$)", re.MULTILINE)


def read_notebook(path: str | Path) -> Any:
    """A notebook as nbformat's node. Raises WorkbenchError where it is missing or no notebook."""
    import nbformat

    path = Path(path)
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except FileNotFoundError:
        raise WorkbenchError(f"There is no notebook {path}.") from None
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, OSError) as error:
        raise WorkbenchError(f"{path} is no valid notebook ({str(error).splitlines()[0]}); take it from the repository again.") from None
    return notebook


def changed(notebook: Any, sources: Mapping[str, str]) -> Any:
    """A copy in which the code of some cells, named by their ids, is replaced. Raises WorkbenchError for an unknown id."""
    notebook = copy.deepcopy(notebook)
    cells = {cell["id"]: cell for cell in notebook.cells}
    for identifier, source in sources.items():
        if identifier not in cells:
            raise WorkbenchError(f'The notebook has no cell "{identifier}".')
        cells[identifier]["source"] = source
    return notebook


def answered(notebook: Any, solutions: Mapping[str, Mapping[str, str]]) -> Any:
    """A copy in which every question, the cell with its name as id, holds its worked answer in the place of the three dots."""
    sources = {}
    for cell in notebook.cells:
        if cell["id"] in solutions:
            before, *after = OPEN_PLACE.split(cell["source"])
            if len(after) != 1:
                raise WorkbenchError(f'Question "{cell["id"]}" has {len(after)} open places, expected one.')
            sources[cell["id"]] = f"{before}= ({solutions[cell['id']]['answer']}){after[0]}"
    missing = [name for name in solutions if name not in sources]
    if missing:
        raise WorkbenchError(f"The notebook does not ask {', '.join(missing)}.")
    return changed(notebook, sources)


def run(notebook: Any, folder: str | Path, *, timeout: float = 600, environment: Mapping[str, str] | None = None) -> Any:
    """Run a copy in a fresh kernel whose current folder is `folder`. An error in a cell stops it and is raised.

    Args:
        timeout: seconds for one cell.
        environment: variables that the kernel gets in addition.
    """
    from nbclient import NotebookClient

    notebook = copy.deepcopy(notebook)
    with _variables(environment or {}):
        NotebookClient(
            notebook, timeout=timeout, resources={"metadata": {"path": str(folder)}}, store_widget_state=False, record_timing=False
        ).execute()
    return notebook


def cleaned(notebook: Any) -> Any:
    """A copy that is the same after every run as far as the results are: no live widgets, no times, no state of a kernel."""
    notebook = copy.deepcopy(notebook)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(LIVE, None)
            output.pop("transient", None)
    return notebook


def main() -> None:
    import nbformat

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    for path in parser.parse_args().notebooks:
        nbformat.write(cleaned(run(read_notebook(path), path.parent)), path)
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


if __name__ == "__main__":
    main()
