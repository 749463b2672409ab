"""The five simple rules in pandera on Polars: python with_pandera.py USERS CONSENTS LIMIT AS_OF, the tables as globs."""

import datetime as dt
import json
import sys
import time

import pandera.polars as pa
import polars as pl

users, consents, limit, as_of = sys.argv[1:]
begun = time.perf_counter()
limit, as_of = (dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC) for text in (limit, as_of))
methods = ["in_app", "web", "double_optin"]
kept = pa.Check(
    lambda data: data.lazyframe.select(
        ~((pl.col("deleted_at") < limit) & pl.col("restored_at").is_null() & pl.col("email").is_not_null()).fill_null(False)
    )
)
schemas = {
    "missing": pa.DataFrameSchema({"policy_version": pa.Column(pl.String, nullable=False)}),
    "value": pa.DataFrameSchema({"method": pa.Column(pl.String, pa.Check.isin(methods))}),
    "unique": pa.DataFrameSchema({"consent_id": pa.Column(pl.String, unique=True)}),
    "range": pa.DataFrameSchema(
        {"event_at": pa.Column(pl.Datetime("us", "UTC"), pa.Check.in_range(dt.datetime(2019, 1, 1, tzinfo=dt.UTC), as_of))}
    ),
    "deleted": pa.DataFrameSchema(checks=kept),
}
counts = {}
for name, schema in schemas.items():
    table = users if name == "deleted" else consents
    columns = ["deleted_at", "restored_at", "email"] if name == "deleted" else list(schema.columns)
    try:
        schema.validate(pl.read_parquet(table, columns=columns), lazy=True)
        counts[name] = 0
    except pa.errors.SchemaErrors as errors:
        counts[name] = errors.failure_cases.height
print("\n" + json.dumps({"counts": counts, "seconds": time.perf_counter() - begun}))
