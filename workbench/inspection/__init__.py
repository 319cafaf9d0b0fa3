"""The archive: one safetensors file that holds everything an explorer, a plot or an export needs, and no model."""

from workbench.inspection.archive import Inspection
from workbench.inspection.contents import InspectionContents
from workbench.inspection.schema import SCHEMA_VERSION, LogitKind, MapKind

__all__ = ["SCHEMA_VERSION", "Inspection", "InspectionContents", "LogitKind", "MapKind"]
