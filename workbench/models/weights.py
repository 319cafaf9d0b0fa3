"""Weights that somebody else wrote, into a module: names are matched, and whatever does not fit is listed."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor, nn

from workbench.errors import DataWarning, WorkbenchError
from workbench.models.weight_files import read_tensors


def matched(
    module: nn.Module, tensors: Mapping[str, Tensor], rename: Mapping[str, str] | None = None
) -> tuple[dict[str, Tensor], list[str]]:
    """Tensors under the names that a module has, and the names of those that belong to something else.

    Args:
        rename: beginnings of names in the file, and what stands in their place ({"net.": "backbone."}); the longest that fits is taken.

    A beginning that most of the module's names have in the file, such as ``backbone.`` or ``model.encoder.``, is dropped; what lacks it
    belongs to something else.
    """
    longest = sorted(rename or {}, key=len, reverse=True)
    named = {}
    for name, value in tensors.items():
        start = next((start for start in longest if name.startswith(start)), None)
        named[name if start is None else (rename or {})[start] + name.removeprefix(start)] = (name, value)
    own, counted = module.state_dict(), Counter[str]()
    for name in named:
        parts = name.split(".")
        counted.update(".".join([*parts[:cut], ""]) for cut in range(len(parts)) if ".".join(parts[cut:]) in own)
    prefix = min(counted, key=lambda start: (-counted[start], len(start)), default="")
    inside = {name.removeprefix(prefix): value for name, (_, value) in named.items() if name.startswith(prefix)}
    return inside, [original for name, (original, _) in named.items() if not name.startswith(prefix)]


def load_checked(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    where: str,
    skip: Sequence[str] = (),
    rename: Mapping[str, str] | None = None,
    surplus: bool = False,
) -> tuple[str, ...]:
    """Load `tensors` into `module`, or refuse in a sentence that lists missing, unexpected and misshapen names.

    Args:
        where: what the sentence calls the source, usually a path.
        skip: beginnings of names that are left out, or may be missing or surplus.
        rename: see `matched`.
        surplus: leave out what the module has no place for.

    Returns: names of the tensors that were left out.
    """
    skipped = tuple(skip)
    own = module.state_dict()
    inside, outside = matched(module, tensors, rename)
    given = {name: value for name, value in inside.items() if not name.startswith(skipped)} if skipped else inside
    left_out = [name for name in inside if name not in given] + outside
    unexpected = [name for name in given if name not in own]
    # Checkpoints of old versions of PyTorch do not count the batches; nothing hangs on that number.
    missing = [name for name in own if name not in given and not (skipped and name.startswith(skipped))]
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    wrong = [
        f"{name} {list(given[name].shape)} for {list(own[name].shape)}"
        for name in own
        if name in given and own[name].shape != given[name].shape
    ]
    if surplus and not missing and not wrong:
        left_out, unexpected = left_out + unexpected, []
        given = {name: value for name, value in given.items() if name in own}
    found = (("missing:", missing), ("unexpected:", unexpected), ("of another shape:", wrong))
    problems = [f"{label} {_listed(names)}" for label, names in found if names]
    if problems:
        starts = sorted({name.split(".")[0] + "." for name in (*unexpected, *(text.split()[0] for text in wrong)) if "." in name})
        advice = f": skip={tuple(starts)}" if starts and len(starts) <= 3 and not missing else ""
        raise WorkbenchError(
            f"The weights in {where} do not fit this model ({'; '.join(problems)}); "
            f"build the model they were made for, or name the beginnings to skip{advice}."
        )
    module.load_state_dict(given, strict=False)
    return tuple(left_out)


def load_backbone_weights(module: nn.Module, name: str, weights: str | Path | None, skip: tuple[str, ...] = ()) -> None:
    """Load a weights file into a backbone that has no published weights of its own; None leaves it as it was initialised.

    A file of a whole network will do: what is no part of the backbone is left out, with a warning that lists what `skip` does not name.
    """
    if weights is None:
        return
    if weights in ("imagenet", "pypi"):
        raise WorkbenchError(f'Backbone "{name}" has no "{weights}" weights; use None to train from scratch, or the path of a file.')
    found = load_checked(module, read_tensors(weights), str(weights), skip, surplus=True)
    if left_out := [each for each in found if not (skip and each.startswith(skip))]:
        warnings.warn(f"Of {weights}, what is no part of the backbone {name} was left out: {_listed(left_out)}.", DataWarning, stacklevel=2)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}"
