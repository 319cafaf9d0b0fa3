"""A training seen from outside: what its folder says, and that in words. Nothing here imports torch."""

from workbench.following.folder import PICTURES, RUNNING, STATUS, Following, Probe, series
from workbench.following.words import duration, epoch_words, extremes, progress_words, state_words

__all__ = [
    "PICTURES",
    "RUNNING",
    "STATUS",
    "Following",
    "Probe",
    "duration",
    "epoch_words",
    "extremes",
    "progress_words",
    "series",
    "state_words",
]
