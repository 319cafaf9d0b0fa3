"""Reading annotation files that cannot be trusted: text, JSON, and names of pictures that must not lead out of their folder."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError

LONGEST_PATH = 1000


def require_inside(name: object, where: str) -> str:
    """`name` as a relative path with "/" between its parts, if that is what it is.

    Raises WorkbenchError, beginning with `where`, for one that is no text, empty, absolute, leads upwards or cannot name a file.
    """
    if not isinstance(name, str) or not name.strip():
        raise WorkbenchError(f"{where} has no file name ({name!r:.60}); name its picture.")
    plain = name.replace("\\", "/")
    parts = plain.split("/")
    if plain.startswith("/") or ".." in parts or (len(parts[0]) == 2 and parts[0][1] == ":"):
        raise WorkbenchError(f"{where} has the file name {name!r:.80}, which leads out of the picture folder; correct it.")
    if not plain.isprintable() or len(plain) > LONGEST_PATH or max(map(len, parts)) > 250:
        raise WorkbenchError(f"{where} has the file name {name!r:.80}, which cannot name a file; correct it.")
    return plain


def read_text(path: Path, missing: str) -> str:
    """A UTF-8 file, with or without a byte order mark. `missing` says what to do where there is none. Raises WorkbenchError."""
    if not path.is_file():
        raise WorkbenchError(f"There is no file {path}; {missing}")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise WorkbenchError(f"{path} is not a text file in UTF-8; get it again, or save it as UTF-8.") from None
    except OSError as error:
        raise WorkbenchError(f"{path} cannot be read ({error.strerror}); check its permissions.") from None


def numbered_lines(path: Path, missing: str) -> list[tuple[int, str]]:
    """The lines that are not empty, without spaces at their ends, each with its number from 1."""
    return [(number, line.strip()) for number, line in enumerate(read_text(path, missing).splitlines(), start=1) if line.strip()]


def read_json(path: Path, missing: str) -> dict[str, Any]:
    """A JSON file that holds an object. Raises WorkbenchError if it is missing, truncated or holds something else."""
    if not path.is_file():
        raise WorkbenchError(f"There is no annotation file at {path}; {missing}")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise WorkbenchError(f"{path} is not whole JSON ({error!s:.80}); it may be truncated, get it again.") from None
    except OSError as error:
        raise WorkbenchError(f"{path} cannot be read ({error.strerror}); check its permissions.") from None
    if not isinstance(content, dict):
        raise WorkbenchError(f"{path} holds a {type(content).__name__} where an object belongs; it is not the annotation file.")
    return content


def objects(content: dict[str, Any], section: str, path: Path) -> list[dict[str, Any]]:
    """The list of objects under `section`. Raises WorkbenchError if there is none."""
    entries = content.get(section)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise WorkbenchError(f'{path} has no list "{section}"; it is in another format, or only part of the file.')
    return entries


def box_of(value: Any, where: str) -> tuple[float, float, float, float]:
    """``[x, y, width, height]`` as (x0, y0, x1, y1). Raises WorkbenchError unless it is four finite numbers, the sides not negative."""
    try:
        x, y, width, height = (float(number) for number in value)
    except (TypeError, ValueError, OverflowError):
        raise WorkbenchError(f"{where} has a bbox that is not four numbers; correct it.") from None
    if not all(map(math.isfinite, (x, y, x + width, y + height))) or width < 0 or height < 0:
        raise WorkbenchError(f"{where} has the impossible bbox {value!r:.80}; correct it.")
    return x, y, x + width, y + height
