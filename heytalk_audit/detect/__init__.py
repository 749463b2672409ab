"""Sensitive values in text and in columns: fold, gate, extract, validate, score. Nothing goes to the network."""

from heytalk_audit.detect.scan import scan

__all__ = ["scan"]
