"""The catalogue: one module per family. Importing this package registers every rule."""

from heytalk_audit.check import RULES
from heytalk_audit.rules import quality, retention, retention_records

__all__ = ["RULES", "quality", "retention", "retention_records"]
