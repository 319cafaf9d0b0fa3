"""Multi-label metrics: pure functions on arrays, the convention named in the signature."""

from workbench.metrics.bootstrap import bootstrap, paired_bootstrap
from workbench.metrics.calibration import reliability
from workbench.metrics.choosing import best_thresholds, choose_thresholds
from workbench.metrics.conventions import PRESETS, Convention, get_preset
from workbench.metrics.evaluation import Accumulator, evaluate
from workbench.metrics.precision_recall import precision_recall_f1
from workbench.metrics.ranking import average_precision, mean_average_precision, precision_recall_curve
from workbench.metrics.ranks import ranking_measures, set_measures
from workbench.metrics.roc import Roc, roc
from workbench.metrics.streaming import ScoreHistogram
from workbench.metrics.thresholds import Thresholds

__all__ = [
    "PRESETS",
    "Accumulator",
    "Convention",
    "Roc",
    "ScoreHistogram",
    "Thresholds",
    "average_precision",
    "best_thresholds",
    "bootstrap",
    "choose_thresholds",
    "evaluate",
    "get_preset",
    "mean_average_precision",
    "paired_bootstrap",
    "precision_recall_curve",
    "precision_recall_f1",
    "ranking_measures",
    "reliability",
    "roc",
    "set_measures",
]
