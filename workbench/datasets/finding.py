"""Which file an annotation means. Tools write names as they please: absolute, from Windows, percent-encoded, without an ending, in another
Unicode form, with an upload's prefix. Whatever a name says, only files below the picture folder are ever taken.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from workbench.datasets.files import require_inside
from workbench.errors import WorkbenchError
from workbench.pictures import ENDINGS


class PictureFolder:
    """The pictures below a folder.

    Attributes:
        notes: what was odd about the names that were looked for, in words.
        missing: names that no file was found for.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: list[str] = []
        self.missing: list[str] = []
        self._listed: dict[str, set[str]] = {}
        self._guessed = 0

    def find(self, name: object, where: str) -> str:
        """The file that `name` means, relative to the folder, with "/" between its parts; a name that none is found for as it stands.

        Raises: WorkbenchError, beginning with `where`, for a name that cannot name a file, leads out of the folder to something that is not
            in it, or fits several files.
        """
        plain = _plain(name, where)
        inside = None if _leads_out(plain) else require_inside(plain, where)
        if inside is not None and self._is_there(inside):
            return inside
        absolute = Path(plain)
        if absolute.is_absolute() and absolute.is_file() and absolute.is_relative_to(self.folder.absolute()):
            return absolute.relative_to(self.folder.absolute()).as_posix()
        found = self._search(plain, where)
        if found is not None:
            if not self._guessed:
                self.notes.append(f'{where}: "{name!s:.80}" is taken to be {found:.80}.')
            self._guessed += 1
            return found
        if inside is None:
            raise WorkbenchError(
                f"{where} has the file name {name!r:.80}, which leads out of {self.folder}, where no file has that name; "
                "correct it, or name the folder that holds the pictures: images=."
            )
        self.missing.append(inside)
        return inside

    def _is_there(self, inside: str) -> bool:
        """By one listing of each folder: a look at each of a hundred thousand files takes minutes on a network disk."""
        parent, _, last = inside.rpartition("/")
        if parent not in self._listed:
            try:
                self._listed[parent] = set(os.listdir(self.folder / parent))
            except OSError:
                self._listed[parent] = set()
        return last in self._listed[parent]

    def _search(self, plain: str, where: str) -> str | None:
        parts = _key(plain).split("/")
        for last in dict.fromkeys((parts[-1], re.sub(r"^[0-9a-f]{8}-", "", parts[-1]))):  # Label Studio's uploads have a prefix
            candidates = self._by_name.get(last) or ([] if last.endswith(ENDINGS) else self._by_stem.get(last, []))
            for length in range(len(parts) - 1, 0, -1):  # the longest common tail of folders decides
                tail = [path for path in candidates if _key(path).split("/")[-1 - length : -1] == parts[-1 - length : -1]]
                candidates = tail or candidates
                if tail:
                    break
            if len(candidates) > 1:
                raise WorkbenchError(
                    f'{where}: "{plain:.80}" fits {len(candidates)} files ({candidates[0]:.60}, {candidates[1]:.50}); add the ending.'
                )
            if candidates:
                return candidates[0]
        return None

    @cached_property
    def files(self) -> list[str]:
        """All picture files below the folder, sorted."""
        found = []
        for parent, folders, names in os.walk(self.folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            base = Path(parent).relative_to(self.folder).as_posix()
            found += [name if base == "." else f"{base}/{name}" for name in names if name.lower().endswith(ENDINGS) and name[0] != "."]
        return sorted(found)

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        return _grouped(self.files, lambda path: _key(path).rpartition("/")[2])

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        return _grouped(self.files, lambda path: _key(path).rpartition("/")[2].rpartition(".")[0])

    def told(self) -> list[str]:
        """Everything that is odd, once all names were looked for."""
        notes = list(self.notes)
        if self._guessed > 1:
            notes.append(f"{self._guessed} names of pictures were matched in that way.")
        return notes

    def gone(self) -> list[str]:
        """How many pictures are missing, in words."""
        if not self.missing:
            return []
        return [
            f"{len(set(self.missing))} pictures are not in {self.folder}, such as {self.missing[0]:.80}; labels can be used, those images "
            "cannot. If they lie elsewhere, name their folder: images=."
        ]


def _plain(name: object, where: str) -> str:
    if not isinstance(name, str) or not name.strip():
        raise WorkbenchError(f"{where} has no file name ({name!r:.60}); name its picture.")
    text = name.strip()
    if "?d=" in text:  # Label Studio: /data/local-files/?d=folder/name.jpg
        text = parse_qs(urlsplit(text).query).get("d", [text])[0]
    if re.match(r"^[A-Za-z][A-Za-z0-9+.-]+://", text):
        text = unquote(urlsplit(text).path)
    elif re.search(r"%[0-9A-Fa-f]{2}", text):
        text = unquote(text)
    return text.replace("\\", "/").removeprefix("./")


def _leads_out(plain: str) -> bool:
    parts = plain.split("/")
    return plain.startswith("/") or ".." in parts or (len(parts[0]) == 2 and parts[0][1] == ":")


def _key(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _grouped(paths: Sequence[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(key(path), []).append(path)
    return found
