"""Where course and notes look for it; the work is in `workbench.metrics.pointing`, which explorers read too."""

from workbench.metrics.pointing import (
    IOU_THRESHOLDS,
    MEASURES,
    energy_inside,
    localisation,
    mask_iou,
    point_hit,
    present_labels_with_regions,
    relevance_rank,
    summarise,
)

__all__ = [
    "IOU_THRESHOLDS",
    "MEASURES",
    "energy_inside",
    "localisation",
    "mask_iou",
    "point_hit",
    "present_labels_with_regions",
    "relevance_rank",
    "summarise",
]
