"""Audit a snapshot of an app's user data against what its privacy policy promises."""

__version__ = "0.1.0"
