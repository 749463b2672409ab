"""The five simple rules in Soda 4 on DuckDB: python with_soda.py USERS CONSENTS LIMIT AS_OF, the tables as globs."""

import json
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from soda_core.contracts import verify_contract_locally
from soda_duckdb import DuckDBDataSource

users, consents, limit, as_of = sys.argv[1:]
begun = time.perf_counter()
CONTRACTS = {
    "users": f"""
dataset: bench/main/users
columns:
  - name: deleted_at
checks:
  - failed_rows:
      expression: deleted_at < TIMESTAMPTZ '{limit}+00' AND restored_at IS NULL AND email IS NOT NULL
""",
    "consents": f"""
dataset: bench/main/consents
columns:
  - name: policy_version
    checks:
      - missing:
  - name: method
    checks:
      - invalid:
          valid_values: [in_app, web, double_optin]
  - name: consent_id
    checks:
      - duplicate:
checks:
  - failed_rows:
      expression: event_at < TIMESTAMPTZ '2019-01-01 00:00+00' OR event_at > TIMESTAMPTZ '{as_of}+00'
""",
}
cursor = duckdb.connect().cursor()
found = []
for table, paths in (("users", users), ("consents", consents)):
    cursor.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{paths}')")
with tempfile.TemporaryDirectory() as folder:
    for table in ("consents", "users"):
        file = Path(folder) / f"{table}.yml"
        file.write_text(CONTRACTS[table], "utf-8")
        source = DuckDBDataSource.from_existing_cursor(cursor, name="bench")
        result = verify_contract_locally(data_sources=[source], contract_file_path=str(file))
        checks = result.contract_verification_results[0].check_results
        found += [{key: value for key, value in (check.diagnostic_metric_values or {}).items()} for check in checks]
kinds = ("missing_count", "invalid_count", "duplicate_count", "failed_rows_count", "failed_rows_count")
counts = {
    rule: next(f for f in found if kind in f).pop(kind)
    for rule, kind in zip(("missing", "value", "unique", "range", "deleted"), kinds, strict=True)
}
print("\n" + json.dumps({"counts": {rule: int(n) for rule, n in counts.items()}, "seconds": time.perf_counter() - begun}))
