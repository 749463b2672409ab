"""The catalogue: one module per family. Importing this package registers every rule."""

from heytalk_audit.check import RULES
from heytalk_audit.rules import consent, consent_records, minors, quality, retention, retention_records, sensitive, sensitive_traces

__all__ = ["RULES", "consent", "consent_records", "minors", "quality", "retention", "retention_records", "sensitive", "sensitive_traces"]
