"""Detectors of sensitive data in values and in texts: fold, gate, extract, validate, score. They use no network."""

from heytalk_audit.detect.categories import special_categories
from heytalk_audit.detect.columns import examine
from heytalk_audit.detect.explain import explain
from heytalk_audit.detect.requests import requests
from heytalk_audit.detect.scan import scan

__all__ = ["examine", "explain", "requests", "scan", "special_categories"]
