"""Multi-label metrics: pure functions on arrays, the convention named in the signature."""

from workbench.metrics.evaluation import PRESETS, Convention, evaluate
from workbench.metrics.precision_recall import precision_recall_f1
from workbench.metrics.ranking import average_precision, mean_average_precision

__all__ = ["PRESETS", "Convention", "average_precision", "evaluate", "mean_average_precision", "precision_recall_f1"]
