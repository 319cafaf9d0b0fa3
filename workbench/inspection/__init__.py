"""The archive: one safetensors file that holds everything an explorer, a plot or an export needs, and no model."""

from workbench.inspection.additions import Channels, Embeddings, Table
from workbench.inspection.archive import Inspection
from workbench.inspection.contents import InspectionContents
from workbench.inspection.schema import SCHEMA_VERSION, LogitKind, MapKind, PartKind

__all__ = [
    "SCHEMA_VERSION",
    "Channels",
    "Embeddings",
    "Inspection",
    "InspectionContents",
    "LogitKind",
    "MapKind",
    "PartKind",
    "Table",
]
