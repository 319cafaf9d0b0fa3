"""What was read from large annotation files, kept so that it is parsed once.

An entry is one safetensors file whose name is a digest of the annotation files' bytes, so that a changed file is a new entry and copies
of one file share theirs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from workbench.errors import WorkbenchError
from workbench.files import atomic, sweep
from workbench.shelf import cache_home

LEAST_BYTES = 4_000_000
"""Smaller annotation files are parsed faster than they are worth keeping."""
VERSION = 2
"""Part of every key: raise it when a reader changes what it makes of the same bytes."""


@dataclass
class Parsed:
    """What a reader makes of annotation files.

    Attributes:
        tensors: arrays by name.
        texts: everything else, as JSON values.
    """

    tensors: Mapping[str, np.ndarray]
    texts: Mapping[str, Any] = field(default_factory=dict)


def cache_folder() -> Path:
    """Where entries lie: ``annotations`` in `workbench.shelf.cache_home`."""
    return cache_home() / "annotations"


def parsed_once(reader: str, files: Sequence[Path], parse: Callable[[], Parsed], options: Mapping[str, Any] | None = None) -> Parsed:
    """What `parse` returns for these files, from the cache where it is there.

    Args:
        reader: name of the reader, part of the key.
        files: annotation files, in order; their bytes are the key.
        parse: reads them. Its errors go through; nothing is kept then.
        options: JSON values that also decide the result.
    """
    try:
        if sum(path.stat().st_size for path in files) < LEAST_BYTES:
            return parse()
        key = _key(reader, files, options)
    except OSError:  # a file is missing: the reader says so in its own words
        return parse()
    path = cache_folder() / f"{reader}-{key}.safetensors"
    found = _read(path)
    if found is None:
        found = parse()
        _write(path, found)
    return found


def _key(reader: str, files: Sequence[Path], options: Mapping[str, Any] | None) -> str:
    digest = hashlib.sha256(json.dumps([VERSION, reader, dict(options or {})], sort_keys=True).encode())
    for path in files:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]


def _read(path: Path) -> Parsed | None:
    """None if there is no entry or it is damaged."""
    try:
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, a handle is no dict
            if file.metadata()["checksum"] != _checksum(tensors):
                return None
        return Parsed(tensors, json.loads(tensors.pop("texts").tobytes()))
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, OverflowError, RecursionError):
        return None


def _write(path: Path, parsed: Parsed) -> None:
    """A folder that cannot be written to is no reason to stop: the files are then parsed again next time."""
    texts = np.frombuffer(json.dumps(dict(parsed.texts)).encode(), dtype=np.uint8)
    tensors = {**{name: np.ascontiguousarray(value) for name, value in parsed.tensors.items()}, "texts": texts}
    with suppress(OSError, SafetensorError, WorkbenchError):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent, ours=True)
        with atomic(path) as temporary:
            save_file(tensors, temporary, metadata={"checksum": _checksum(tensors)})


def _checksum(tensors: Mapping[str, np.ndarray]) -> str:
    """Of names, types, shapes and bytes: a part of the file that the disk lost must not become labels."""
    digest = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        digest.update(repr((name, value.dtype.str, value.shape)).encode())
        digest.update(np.ascontiguousarray(value).data)
    return digest.hexdigest()
