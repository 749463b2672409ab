"""What the detectors find in a snapshot's texts, as a small table that rules join. It holds no value and no text.

The texts stream from the engine in batches and are read here by the same code whatever the engine, so that findings are the same on
every engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

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


def examined(tables: Mapping[str, ir.Table], profile: Mapping[str, Any], engine: Engine) -> list[ExaminedColumn]:
    """What columns hold: those of text that are no keys or enums, and those that the contract does not have; tested against chance.

    A sample of about `SAMPLE` rows is tested, drawn by the digest of their keys, so that every engine draws the same.
    """
    columns = []
    for name, table in tables.items():
        wanted = contract.load()[name]
        texts = [c.name for c in wanted.columns if c.kind == "string" and not (c.values or c.foreign or c.name == wanted.key)]
        if wanted.key in table.columns:
            share = SAMPLE / max(profile[name]["rows"], SAMPLE)
            for source, names in ((table, [c for c in texts if c in table.columns]), _others(name, profile[name], engine)):
                batches = list(engine.batches(_drawn(source, wanted.key, share).select(*names), SAMPLE)) if names else []
                columns += [_column(f"{name}.{c}", [batch.column(c) for batch in batches]) for c in names]
    return columns


def _drawn(rows: ir.Table, key: str, share: float) -> ir.Table:
    return rows if share == 1 else rows.filter(rows[key].hexdigest("sha256") < f"{int(share * 16**8):08x}")


def _others(name: str, state: Mapping[str, Any], engine: Engine) -> tuple[ir.Table, list[str]]:
    """A table with its key and, as text, the columns that the contract does not have; and their names."""
    key = contract.load()[name].key
    columns = [(contract.Column(c, "string", required=False), True) for c in (key, *state["others"])]
    return engine.open(f"{name}_others", [Path(f) for f in state["files"]], columns), state["others"]


def contents(columns: list[ExaminedColumn]) -> pa.Table:
    """The kinds that columns hold, as a small table that rules join; see `CONTENTS`."""
    rows = [{"column_name": column.name, "finding": kind} for column in columns for kind in column.flagged or (None,)]
    return pa.Table.from_pylist(rows, schema=CONTENTS)


def _column(name: str, parts: list[pa.Array]) -> ExaminedColumn:
    return examine(name, pa.chunked_array([part.cast(pa.large_string()) for part in parts], pa.large_string()))
