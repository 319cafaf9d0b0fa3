"""What is known about labels before any image is seen: which occur together, and a vector for each name. Numpy only."""

from workbench.labels.graph import Adjacency, LabelGraph
from workbench.labels.vectors import LabelVectors

__all__ = ["Adjacency", "LabelGraph", "LabelVectors"]
