"""The parts of the report that speak of the audit as a whole or of a rule, as notebooks call them: each has a module of its own."""

from __future__ import annotations

from heytalk_audit.report.cover import cover, limits, sign_off_statement
from heytalk_audit.report.detectors import detections
from heytalk_audit.report.html import on_screen
from heytalk_audit.report.matrix import results_by_rule, results_matrix
from heytalk_audit.report.reliability import column_changes, evidence_reliability
from heytalk_audit.report.sections import MOST_ROWS, left_out, rule_section
from heytalk_audit.report.summary import first_page, verdict_summary

__all__ = [
    "MOST_ROWS",
    "column_changes",
    "cover",
    "detections",
    "evidence_reliability",
    "first_page",
    "left_out",
    "limits",
    "on_screen",
    "results_by_rule",
    "results_matrix",
    "rule_section",
    "sign_off_statement",
    "verdict_summary",
]
