"""The registers that facts read, from the files that the parameters name to small tables."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa

from heytalk_audit.params import Params
from heytalk_audit.registers.incidents import incidents_table, read_incidents
from heytalk_audit.registers.processing import processing_table, read_processing


def registers_read(parameters: Params, base: Path, today: dt.date) -> dict[str, pa.Table]:
    """The registers by name, those that the parameters name; `today` is the audit's local day. Raises InputError, one line."""
    tables = {}
    if parameters.processing:
        tables["processing"] = processing_table(read_processing(base / parameters.processing, today))
    if parameters.incidents:
        tables["incidents"] = incidents_table(read_incidents(base / parameters.incidents, today))
    return tables
