"""`plan --queries`: which rules share what, and what each asks of the engine."""

from __future__ import annotations
