"""Logits or probabilities: what the scores of a model are is asked for, and doubted where they look like the other.

A sigmoid of probabilities is a number too, so thresholds, F1 and calibration would be wrong without a word: everything here counts with
logits, and probabilities are turned into the logits whose sigmoid they are.
"""

from __future__ import annotations

import warnings

import numpy as np

from workbench.errors import WorkbenchError, did_you_mean

SCORES = ("logits", "probabilities")
SMALLEST, LARGEST = float(np.finfo(np.float32).tiny), 1 - 2.0**-25  # what 0 and 1 themselves count as
FEW = 8  # scores that may lie in 0..1 by chance


def as_logits(values: np.ndarray, scores: str | None = None, what: str = "The scores", argument: str = "scores") -> np.ndarray:
    """The logits of scores that are said to be `scores`: "logits", "probabilities", or None, which means logits and warns of all in 0..1.

    Raises: WorkbenchError for probabilities outside of 0..1.
    """
    require_scores(scores)
    values = np.asarray(values)
    if scores == "logits":
        return values
    if scores is None:
        doubt(values, what, argument)
        return values
    wide = values.astype(np.float64)
    outside = (wide < 0) | (wide > 1)
    if outside.any():
        raise WorkbenchError(
            f'{what} are said to be probabilities, but one is {wide[outside][0]:.4g}; leave scores="probabilities" out, these are logits.'
        )
    wide = np.clip(wide, SMALLEST, LARGEST)
    return np.log(wide) - np.log1p(-wide)


def doubt(values: np.ndarray, what: str, argument: str = "scores") -> None:
    """Warn where logits look like probabilities; `argument` is where the caller says what they are."""
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if known.size < FEW or known.min() < 0 or known.max() > 1 or known.min() == known.max():
        return
    softmax = values.ndim == 2 and values.shape[1] > 1 and bool(np.allclose(values.sum(axis=1), 1, atol=1e-3))
    like = "all lie between 0 and 1 and each image's add up to 1, as after a softmax" if softmax else "all lie between 0 and 1"
    warnings.warn(
        f'{what} are taken as logits, but {like}; pass {argument}="probabilities" if that is what they are, {argument}="logits" if not.',
        stacklevel=3,
    )


def require_scores(scores: str | None) -> None:
    if scores is not None and scores not in SCORES:
        raise WorkbenchError(f'There are no scores "{scores}".{did_you_mean(str(scores), SCORES)}')
