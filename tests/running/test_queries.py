"""`plan --queries`: which rules share what, and what each asks of the engine."""

from __future__ import annotations

import io

import pytest
import worlds
from commands import heytalk_audit, params
from rich.console import Console

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.check import Check, violation
from heytalk_audit.audit.queries import queries_of
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.running.queries import show_queries
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot
