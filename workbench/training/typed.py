"""Do values from a file have the types that a dataclass declares? Python does not ask; a text where a number belongs fails hours later."""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from workbench.errors import WorkbenchError


def require_types(kind: type, values: Mapping[str, Any], where: str) -> None:
    """Raises WorkbenchError for the first of `values`, by field name of the dataclass `kind`, that is not of the declared type."""
    hints = _hints(kind)
    for entry in fields(kind):
        if entry.name in values and not _fits(values[entry.name], hints[entry.name]):
            raise WorkbenchError(f'"{entry.name}" in {where} is {values[entry.name]!r:.60}; it takes {_words(hints[entry.name])}.')


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or is_dataclass(hint):  # a dataclass within is checked where it is built
        return True
    if isinstance(hint, types.UnionType):
        return any(_fits(value, member) for member in inner)
    if origin is tuple:
        return isinstance(value, list | tuple) and all(_fits(item, inner[0]) for item in value)
    if origin is list:
        return isinstance(value, list) and all(_fits(item, inner[0]) for item in value)
    if origin is dict:
        return isinstance(value, Mapping) and all(_fits(key, inner[0]) and _fits(item, inner[1]) for key, item in value.items())
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and -1e300 < value < 1e300 and math.isfinite(value)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    return isinstance(value, hint)


def _words(hint: Any) -> str:
    members = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return " or ".join(getattr(member, "__name__", str(member)).replace("NoneType", "none") for member in members)
