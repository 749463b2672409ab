"""What the detectors find in a snapshot's texts, as a small table that rules join. It holds no value and no text.

The texts stream from the engine in batches and are read here by the same code whatever the engine, so that findings are the same on
every engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from heytalk_audit import contract
from heytalk_audit.detect import examine, requests, scan, special_categories
from heytalk_audit.detect.columns import SAMPLE, ExaminedColumn
from heytalk_audit.detect.places import PLACES, Place
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.snapshot.derived import Source
from heytalk_audit.snapshot.engines import Engine
from heytalk_audit.snapshot.open import Snapshot
from heytalk_audit.snapshot.profile import WRONG

#: One row per place, text and finding. `what` is `category` (a special category of personal data is mentioned), `value` (a sensitive
#: value) or `request` (for one's rights); `finding` the category or kind; `form`, of a category, mention or self; `confidence` high,
#: medium or low.
SCHEMA = pa.schema([(name, pa.string()) for name in ("place", "record", "what", "finding", "form", "confidence")])
#: One row per column that was examined and kind that it holds more often than by chance; `finding` is null where it holds none.
CONTENTS = pa.schema([("column_name", pa.string()), ("finding", pa.string())])
_RANK = {"high": 0, "medium": 1, "low": 2}


def sources(tables: Mapping[str, ir.Table]) -> list[Source]:
    """What detectors read of each place that was delivered, and what makes findings of a batch of it: see `SCHEMA`."""
    return [(p.written(tables[p.table]), partial(findings, p.name)) for p in PLACES.values() if p.is_in(tables)]


def findings(name: str, batch: pa.RecordBatch) -> pa.Table:
    """The findings of one place in a batch of its texts: columns `record` and `text`."""
    place, records, texts = PLACES[name], batch.column("record"), batch.column("text")
    words = texts
    if place.coded:
        # the names in a query are not somebody's words, but show what its values are
        words = pa.array(map(_values, texts.to_pylist()), pa.large_string())
        texts = pa.array(map(unquote_plus, texts.to_pylist()), pa.large_string())
    frame = pd.concat(_strongest(texts, words, place.asks), ignore_index=True)
    frame["place"] = name
    frame["record"] = records.take(pa.array(frame.pop("row"), pa.int64())).to_pylist()
    return pa.Table.from_pandas(frame[SCHEMA.names], SCHEMA, preserve_index=False)


def _values(query: str) -> str:
    """The values of a percent-encoded query, decoded, one a line."""
    parts = re.split("[&;]", query)
    return "\n".join(unquote_plus(part.split("=", 1)[-1]) for part in parts)


def _strongest(texts: pa.Array, words: pa.Array, asks: bool) -> Iterator[pd.DataFrame]:
    """Of each text and finding the row with the highest confidence, with statements about oneself first."""
    categories = special_categories(words).rename(columns={"category": "finding"}).assign(what="category")
    values = scan(texts).rename(columns={"kind": "finding"}).assign(what="value", form=None)
    rights = [requests(texts).rename(columns={"kind": "finding"}).assign(what="request", form=None)] if asks else []
    for findings in (categories, values, *rights):
        findings["rank"] = findings.confidence.map(_RANK) - 3 * (findings.form == "self")
        findings = findings.sort_values(["row", "finding", "rank"], kind="stable").drop_duplicates(["row", "finding"])
        yield findings[["row", "what", "finding", "form", "confidence"]].astype(object)


def summary(detections: ir.Table, tables: Mapping[str, ir.Table], engine: Engine) -> list[dict[str, Any]]:
    """Per place that was delivered: `texts` read, and of these how many hold each finding, by form and by confidence."""
    by_confidence = {name: (detections.confidence == name).sum() for name in _RANK}
    spoken = sure(detections.form == "self").sum()
    counts = detections.group_by("place", "what", "finding").agg(texts=detections.count(), of_oneself=spoken, **by_confidence)
    here: dict[str, list[dict[str, Any]]] = {}
    for row in engine.rows(counts.order_by("place", "what", "finding")).to_dict("records"):
        here.setdefault(row.pop("place"), []).append({str(name): n if isinstance(n, str) else int(n) for name, n in row.items()})
    places = [place for place in PLACES.values() if place.is_in(tables)]
    return [{"place": p.name, "texts": _texts(p, tables, engine), "findings": here.get(p.name, [])} for p in places]


def _texts(place: Place, tables: Mapping[str, ir.Table], engine: Engine) -> int:
    written = place.written(tables[place.table])
    return int(engine.rows(written.agg(n=written.count())).n[0])


@dataclass(frozen=True)
class TableRead:
    """A table, known to the contract or not, as its columns are examined: which of them, and which are keys that the system writes."""

    name: str
    files: list[str]
    rows: int
    columns: list[str]
    keys: frozenset[str] = frozenset()
    drawn_by: str | None = None


def examined(snapshot: Snapshot) -> list[ExaminedColumn]:
    """What columns hold, tested against chance: those of text and of whole numbers that hold values, keys included, of every table.

    A sample of about `SAMPLE` rows is tested, drawn by the digest of their keys, so that every engine draws the same. Of what the contract
    does not know, columns of flags and times are left out.
    """
    of_contract = [_of_contract(name, state) for name, state in snapshot.profile.items()]
    strange = [_strange(read) for read in snapshot.unknown.values() if read]
    return [column for read in (*of_contract, *strange) if read.columns for column in _examined(read, snapshot.engine)]


def _of_contract(name: str, state: Mapping[str, Any]) -> TableRead:
    wanted, inventory = contract.load()[name], state["inventory"]
    keys = {c.name for c in wanted.columns if c.foreign or c.name in (wanted.key, "user_id")}
    read = [c.name for c in wanted.columns if c.kind in ("string", "integer") or state["columns"][c.name]["status"] == WRONG]
    columns = [c for c in read if _holds(inventory.get(c))] + [c for c in state["others"] if _holds(inventory[c], strange=True)]
    return TableRead(name, state["files"], state["rows"], columns, frozenset(keys), wanted.key if wanted.key in inventory else None)


def _strange(state: Mapping[str, Any]) -> TableRead:
    columns = [name for name, held in state["inventory"].items() if _holds(held, strange=True)]
    return TableRead(state["table"], state["files"], state["rows"], columns)


def _holds(held: Mapping[str, Any] | None, strange: bool = False) -> bool:
    """Whether a column holds values that can be examined; one that is `strange` to the contract only if they may be text or numbers."""
    return held is not None and held["values"] > 0 and not (strange and held["kind"] in ("boolean", "time"))


def _examined(read: TableRead, engine: Engine) -> Iterator[ExaminedColumn]:
    every = dict.fromkeys([*([read.drawn_by] if read.drawn_by else []), *read.columns])
    as_text = [(contract.Column(c, "string", required=False), True) for c in every]
    rows = _drawn(engine.open(f"{read.name}_as_text", [Path(f) for f in read.files], as_text), read)
    batches = list(engine.batches(rows.select(*read.columns), SAMPLE))
    for name in read.columns:
        cells = pa.chunked_array([batch.column(name).cast(pa.large_string()) for batch in batches], pa.large_string())
        yield examine(f"{read.name}.{name}", cells, True if name in read.keys else None)


def _drawn(rows: ir.Table, read: TableRead) -> ir.Table:
    """About `SAMPLE` rows, by the digest of their key, or of all that is examined where the table has none."""
    if read.rows <= SAMPLE:
        return rows
    by = rows[read.drawn_by] if read.drawn_by else ibis.literal("").concat(*[rows[c].fill_null("") for c in read.columns])
    return rows.filter(by.hexdigest("sha256") < f"{int(SAMPLE / read.rows * 16**8):08x}")


def contents(columns: list[ExaminedColumn]) -> pa.Table:
    """The kinds that columns hold, as a small table that rules join; see `CONTENTS`."""
    rows = [{"column_name": column.name, "finding": kind} for column in columns for kind in column.flagged or (None,)]
    return pa.Table.from_pylist(rows, schema=CONTENTS)
