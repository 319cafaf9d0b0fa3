"""Reading word vectors from text: one line a word, the word and then its numbers, as GloVe and word2vec write them."""

from __future__ import annotations

import difflib
import gzip
import re
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from workbench.errors import WorkbenchError

SPELLINGS = {
    "diningtable": "dining table",
    "pottedplant": "potted plant",
    "tvmonitor": "tv monitor",
    "Tshiirt": "T-shirt",
    "sunglass": "sunglasses",
}
"""Labels of VOC and WIDER-Attribute that no dictionary has, in plain English."""


def spelled(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """How a label may stand in a file: spellings of it as one word, the likeliest first, and the words that it consists of."""
    plain = plain_english(name)
    words = tuple(plain.split())
    wholes = [name, name.lower(), "_".join(words), "-".join(words)] if len(words) > 1 else [name, plain, name.lower()]
    return tuple(dict.fromkeys(whole for whole in wholes if " " not in whole)), words


def plain_english(name: str) -> str:
    """A label as words in lower case: "longHair" is "long hair", "cell_phone" is "cell phone"."""
    if name in SPELLINGS:
        return SPELLINGS[name].lower()
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return " ".join(re.sub(r"[_/]+", " ", apart).lower().split())


@dataclass
class Words:
    """Those of the wanted words that a file has: float32 [G] by word."""

    path: Path
    vectors: dict[str, np.ndarray]

    def refuse(self, label: str, word: str) -> NoReturn:
        """Say that a label's word is missing, and which words near it there are."""
        near = self._near(word)
        hint = f" Near words there: {', '.join(near)}." if near else ""
        of = f' of "{label}"' if label != word else ""
        raise WorkbenchError(f'{self.path} has no vector for the word "{word}"{of}; rename the label or give another file.{hint}')

    def _near(self, word: str) -> list[str]:
        # Words that begin alike and are about as long: comparing with all of some hundred thousand would take a minute.
        alike = [other for _, other, _ in _lines(self.path) if other[:1].lower() == word[:1].lower() and abs(len(other) - len(word)) <= 2]
        return difflib.get_close_matches(word, alike, n=5, cutoff=0.6)


def read_words(path: Path, wanted: Collection[str]) -> Words:
    """Read the vectors of `wanted`, each as often as it is found first; words that are not there are left out.

    Raises: WorkbenchError for a file that is missing, damaged, binary, or holds lines of different width.
    """
    wanted, found, width = set(wanted), {}, None
    for number, word, rest in _lines(path):
        if width is None:
            width = len(rest.split())
            if width < 2:
                raise WorkbenchError(f"{path} holds no word vectors (line {number}: {_shown(rest)}); a line is a word and its numbers.")
        if word not in wanted or word in found:
            continue
        try:
            vector = np.array(rest.split(), dtype=np.float32)
        except ValueError:
            raise WorkbenchError(f'{path}, line {number}: the vector of "{word}" is not all numbers; get the file again.') from None
        if len(vector) != width:
            raise WorkbenchError(f'{path}, line {number}: "{word}" has {len(vector)} numbers instead of {width}; get the file again.')
        found[word] = vector
    if width is None:
        raise WorkbenchError(f"{path} is empty; give a file of word vectors.")
    return Words(path, found)


def _lines(path: Path) -> Iterator[tuple[int, str, str]]:
    """Number, word and the rest of each line; word2vec's first line, which counts words and numbers, is left out."""
    if not path.is_file():
        raise WorkbenchError(f"There is no word vector file {path}; give a text file such as glove.6B.300d.txt.")
    try:
        with open(path, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else open(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                if b"\0" in line or (number == 1 and line[:1] in (b"\x80", b"P") and not line.isascii()):
                    raise WorkbenchError(
                        f"{path} is binary (a pickle, an archive or word2vec's .bin), and only text is read; convert it to text."
                    )
                word, _, rest = line.decode("utf-8").strip().partition(" ")
                if rest and not (number == 1 and word.isdigit() and rest.strip().isdigit()):
                    yield number, word, rest
    except UnicodeDecodeError:
        raise WorkbenchError(
            f"{path} is not text in UTF-8 (line {number}); it may be binary or damaged, convert or get it again."
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise WorkbenchError(f"{path} cannot be read to its end ({error}); it may be truncated, get it again.") from None


def _shown(text: str) -> str:
    return repr(text[:30])
