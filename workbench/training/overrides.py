"""Change one value of a nested frozen dataclass, named by a dotted key: what ``--set stages.joint.lr=1e-3`` does."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from workbench.errors import WorkbenchError, did_you_mean


def changed(node: Any, key: str, value: Any) -> Any:
    """A copy of `node` with the value at `key` replaced.

    Args:
        node: a dataclass.
        key: field names and dictionary keys joined by dots.
        value: the new value, or its text.

    Raises:
        WorkbenchError: the key is unknown (with the nearest one), names a group of settings, or the value has the wrong type.
    """
    return _changed(node, type(node), key, value, key)


def known_keys(node: Any, prefix: str = "") -> list[str]:
    """All dotted keys of the values that are there."""
    if is_dataclass(node):
        return [key for entry in fields(node) for key in known_keys(getattr(node, entry.name), f"{prefix}{entry.name}.")]
    if isinstance(node, Mapping):
        return [key for name, item in node.items() for key in known_keys(item, f"{prefix}{name}.")]
    return [prefix.rstrip(".")]


def _changed(node: Any, hint: Any, path: str, value: Any, key: str) -> Any:
    if is_dataclass(node) and not isinstance(node, type):
        name, _, rest = path.partition(".")
        hints = typing.get_type_hints(type(node))
        if name not in hints or name == "expected":
            raise _unknown(path, [name for name in hints if name != "expected"], key)
        inner = getattr(node, name)
        new = _changed(inner, hints[name], rest, value, key) if rest else _leaf(inner, hints[name], value, key)
        return replace(node, **{name: new})
    if isinstance(node, Mapping):
        held = typing.get_args(hint)[1]
        if is_dataclass(held):
            name, _, rest = path.partition(".")
            if name not in node:
                raise _unknown(path, node, key)
            if not rest:
                raise WorkbenchError(f'"{key}" is a group of settings; name one of them, such as "{key}.{fields(held)[0].name}".')
            return {**node, name: _changed(node[name], held, rest, value, key)}
        if path in node:  # keys such as "logits.cls" have dots of their own
            return {**node, path: _parsed(value, _type_of(node[path], held), key)}
        # A new key: whoever takes the options knows which there are, and refuses the others.
        return {**node, path: _parsed(value, held, key)}
    raise WorkbenchError(f'"{key}" goes too deep: "{key[: -len(path) - 1]}" is a single value.')


def _leaf(inner: Any, hint: Any, value: Any, key: str) -> Any:
    if is_dataclass(inner) or isinstance(inner, Mapping):
        shown = [f"{key}.{name}" for name in known_keys(inner)][:3]
        raise WorkbenchError(f'"{key}" is a group of settings; name one of them, such as {", ".join(shown) or f"{key}.NAME"}.')
    return _parsed(value, hint, key)


def _type_of(old: Any, hint: Any) -> Any:
    """The type to read a new value as: that of the old one where the declaration leaves it open."""
    return type(old) if hint is Any and isinstance(old, bool | int | float | str) else hint


def _parsed(value: Any, hint: Any, key: str) -> Any:
    for kind in _alternatives(hint):
        try:
            return _as(kind, value)
        except (TypeError, ValueError):
            continue
    wanted = " or ".join(getattr(kind, "__name__", str(kind)).replace("NoneType", "none") for kind in _alternatives(hint))
    raise WorkbenchError(f'"{key}" cannot be set to {value!r}; it takes {wanted}.')


def _alternatives(hint: Any) -> list[Any]:
    """Members of a union, the strictest first: a text is anything, so it is tried last."""
    members = list(typing.get_args(hint)) if isinstance(hint, types.UnionType) else [hint]
    return sorted(members, key=lambda kind: kind is str)


def _as(kind: Any, value: Any) -> Any:
    text = value.strip() if isinstance(value, str) else None
    if kind is Any:
        return _literal(value)
    if kind is type(None):
        if value is None or (text is not None and text.lower() in ("none", "null")):
            return None
        raise ValueError
    if typing.get_origin(kind) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip()) if text is not None else tuple(value)
    if kind is bool:
        return _as_bool(str(value).strip().lower())
    if kind is int:
        if isinstance(value, bool) or (text is None and value != int(value)):
            raise ValueError
        return int(text if text is not None else value)
    if kind is float:
        if isinstance(value, bool):
            raise ValueError
        return float(text if text is not None else value)
    if kind is str and text is not None:
        return text
    raise TypeError


def _as_bool(text: str) -> bool:
    if text not in ("true", "yes", "1", "false", "no", "0"):
        raise ValueError
    return text in ("true", "yes", "1")


def _literal(value: Any) -> Any:
    """JSON where it is JSON, none and true in any spelling, else the text itself."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value.lower().replace("none", "null") if value.lower() in ("true", "false", "none") else value)
    except json.JSONDecodeError:
        return value.strip()


def _unknown(path: str, known: Any, key: str) -> WorkbenchError:
    before = key[: len(key) - len(path)]
    name = path.partition(".")[0]
    return WorkbenchError(f'There is no "{key}" in the recipe.{did_you_mean(before + name, [before + other for other in known])}')
