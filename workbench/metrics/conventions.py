"""Named evaluation conventions: the same scores give different numbers under each, so a number always carries its convention's name."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.errors import WorkbenchError, did_you_mean


@dataclass(frozen=True)
class Convention:
    """How to count.

    Attributes:
        ap: "plain", "interpolated" or "11-point".
        unknown_in_ap, unknown_in_f1: "ignore", "positive" or "negative".
        threshold: probability from which a label is predicted; None: that of `searched` logits with the highest CF1 + OF1 on the evaluated
            images themselves, the first of equals. Then "top 3" searches again: among scores that are 1 for the labels of an image's three
            best logits that are at least 0, and -1 for all others.
        strict: the threshold itself does not count.
        cf1: "of_means" or "mean_of_f1"; empty: rule for classes without a prediction (`precision_recall_f1`).
        top: also report the numbers on the `top` highest scores of each image.
        searched: lowest, highest and number of the logits that are tried.
    """

    name: str
    description: str
    ap: str = "plain"
    unknown_in_ap: str = "ignore"
    unknown_in_f1: str = "ignore"
    threshold: float | None = 0.5
    strict: bool = False
    cf1: str = "of_means"
    empty: str = "zero"
    top: int = 3
    searched: tuple[float, float, int] = (-1.0, 0.9, 20)


PRESETS = {
    preset.name: preset
    for preset in (
        Convention(
            "sklearn",
            "plain AP with ties grouped; unknown labels left out everywhere; CF1 is the mean of per-class F1",
            cf1="mean_of_f1",
        ),
        Convention(
            "mlgcn",
            "plain AP without unknown labels; unknown counts as absent in P, R, F1; CF1 from mean precision and mean recall; "
            "a class without predictions counts as one wrong prediction",
            unknown_in_f1="negative",
            empty="zero_counted",
        ),
        Convention(
            "srn",
            "interpolated AP without unknown labels; unknown counts as absent in P, R, F1; CF1 is the mean of per-class F1; "
            "a class without predictions has precision 1; probability 0.5 itself is not predicted",
            ap="interpolated",
            unknown_in_f1="negative",
            strict=True,
            cf1="mean_of_f1",
            empty="eps",
        ),
        Convention(
            "msrn",
            "as mlgcn, but the threshold is that of 20 logits from -1 to 0.9 with the highest CF1 + OF1 on the evaluated images, "
            "so P, R and F1 are optimistic and comparable with nobody else's; for the top 3 the search is made again",
            unknown_in_f1="negative",
            empty="zero_counted",
            threshold=None,
        ),
    )
}


def get_preset(name: str) -> Convention:
    """A convention by name. Raises WorkbenchError for an unknown one, with the nearest."""
    if name not in PRESETS:
        raise WorkbenchError(f'There is no evaluation preset "{name}".{did_you_mean(name, PRESETS)}')
    return PRESETS[name]
