"""The five simple rules in Pointblank on Polars: python with_pointblank.py USERS CONSENTS LIMIT AS_OF, the tables as globs."""

import datetime as dt
import json
import sys
import time

import pointblank as pb
import polars as pl

users, consents, limit, as_of = sys.argv[1:]
begun = time.perf_counter()
limit, as_of = (dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC) for text in (limit, as_of))
of_consents = (
    pb.Validate(pl.read_parquet(consents, columns=["consent_id", "policy_version", "method", "event_at"]))
    .col_vals_not_null(columns="policy_version")
    .col_vals_in_set(columns="method", set=["in_app", "web", "double_optin"])
    .rows_distinct(columns_subset="consent_id")
    .col_vals_between(columns="event_at", left=dt.datetime(2019, 1, 1, tzinfo=dt.UTC), right=as_of)
    .interrogate()
)
kept = (pl.col("deleted_at") < limit) & pl.col("restored_at").is_null() & pl.col("email").is_not_null()
of_users = (
    pb.Validate(pl.read_parquet(users, columns=["deleted_at", "restored_at", "email"]))
    .col_vals_expr(expr=~kept.fill_null(False))
    .interrogate()
)
failed = [of_consents.n_failed(i=i, scalar=True) for i in range(1, 5)] + [of_users.n_failed(i=1, scalar=True)]
counts = dict(zip(("missing", "value", "unique", "range", "deleted"), map(int, failed), strict=True))
print("\n" + json.dumps({"counts": counts, "seconds": time.perf_counter() - begun}))
