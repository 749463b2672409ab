"""Evidence: whether the delivery is what it says, and good enough to audit."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.audit.check import Check, review, rule, unknown, violation
from heytalk_audit.audit.present import Present
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank, lower, trim
from heytalk_audit.policy.view import View
from heytalk_audit.rules.quality_terms import CONTACTS, hashed_ids, marketed, on_record, paying, with_bulk_times
from heytalk_audit.rules.terms import any_flag, has, join, real_ad_id

#: Instants outside these are placeholders, not times.
FIRST, LAST = dt.datetime(1971, 1, 1), dt.datetime(9000, 1, 1)


@rule("DQ-01", severity="critical", clauses=[])
def totals_reconcile(delivered_tables: ir.Table) -> Check:
    """Every table was delivered complete and unaltered."""
    t = delivered_tables
    conditions = [
        violation("digest_differs", t.digest_differs),
        violation("rows_differ", t.rows_differs),
        violation("distinct_users_differ", t.distinct_users_differs),
        violation("time_range_differs", t.min_ts_differs | t.max_ts_differs),
        violation("control_sum_differs", t.control_sum_differs),
        violation("source_totals_differ", t.source_differs),
        review("not_described", ~t.described),
        review("no_source_totals", ~t.source_given),
    ]
    return Check(t, conditions, by=("table_name",))


@rule("DQ-02", severity="high", clauses=[])
def schema_conforms(delivered_columns: ir.Table) -> Check:
    """Every table follows the data contract in its columns, types and values."""
    c = delivered_columns
    conditions = [
        violation("column_missing", c.missing),
        *[violation(reason, c[reason]) for reason in ("wrong_type", "wrong_value", "null_not_allowed", "unknown_value")],
        review("null_word", c.null_word),
        review("optional_column_missing", c.optional_missing),
        review("unknown_file", c.unknown_file),
    ]
    return Check(c, conditions, by=("column_name",))


@rule("DQ-03", severity="high", clauses=["CL-020", "CL-040"])
def keys_resolve(users: ir.Table, present: Present, policy: View) -> Check:
    """Every row has a unique key and belongs to a known person."""
    tables = {name: present[name] for name in contract.load() if name in present}
    keys, repeated = (ibis.union(*[of(*table) for table in tables.items()]) for of in (_keys, _repeated))
    log = present["purge_log"] if "purge_log" in present else users.limit(0)
    rows = join(join(keys, repeated, ["table_name", "key"]), on_record(users, log)).cross_join(hashed_ids(log, users, policy))
    stranger = ~blank(rows.user_id) & ~rows.on_record
    conditions = [
        violation("key_blank", blank(rows.key)),
        violation("duplicate_key", rows.repeated),
        review("no_purge_log", stranger & ("purge_log" not in present)),
        review("hashed_purge_log", stranger & rows.hashed),
        violation("user_unknown", stranger),
    ]
    return Check(rows, conditions, record=rows.table_name + ":" + rows.key, by=("table_name",), population=keys)


def _keys(name: str, table: ir.Table) -> ir.Table:
    """The rows of a table: `table_name`, `key` and user_id."""
    return table.select(table_name=ibis.literal(name), key=contract.load()[name].key, user_id=_person(table))


def _repeated(name: str, table: ir.Table) -> ir.Table:
    """The keys that several rows of a table have: `table_name`, `key`, `repeated`."""
    # from the table itself, not from its `_keys`: what two parts of a query share, an engine keeps in memory
    often = table.group_by(key=contract.load()[name].key).agg(times=table.count())
    return often.filter(often.times > 1).select("key", table_name=ibis.literal(name), repeated=ibis.literal(True))


def _person(table: ir.Table) -> ir.StringValue:
    """The person whom each row is about, null in a table that names none."""
    return table.user_id if "user_id" in table.columns else ibis.null("string")


@rule("DQ-04", severity="high", clauses=[])
def times_usable(users: ir.Table, policy: View, present: Present) -> Check:
    """Every recorded time is plausible."""
    tables = contract.load()
    delivered = {tables[name]: present[name] for name in present if name in tables} | {tables["users"]: users}
    rows = ibis.union(*[_times(table, rows, policy) for table, rows in delivered.items() if _clocks(table, rows)])
    conditions = [
        violation("sentinel_time", rows.sentinel),
        violation("future_time", rows.ahead),
        violation("order_contradiction", rows.order),
        review("bulk_time", rows.bulk),
    ]
    return Check(rows, conditions, record=rows.table_name + ":" + rows.key, by=("table_name",))


def _clocks(table: contract.Table, rows: ir.Table) -> list[str]:
    """The columns of a table that are instants, of those that were delivered."""
    return [column for column in table.of_kind("timestamp") if column in rows.columns]


def _times(table: contract.Table, rows: ir.Table, policy: View) -> ir.Table:
    """The rows of a table: user_id, `key`, `table_name`, and what is the matter with one of its instants."""
    clocks = _clocks(table, rows)
    lies_ahead = [rows[c] for c in clocks if not table[c].may_lie_ahead]
    limit = policy.as_of_plus("clock_skew")
    if table.name == "users":
        rows = with_bulk_times(rows, [c for c in CONTACTS if c in clocks], policy)
    pairs = [(c, "created_at") for c in ("updated_at", "deleted_at") if c in clocks and "created_at" in clocks]
    return rows.select(
        user_id=_person(rows),
        key=rows[table.key],
        table_name=ibis.literal(table.name),
        sentinel=any_flag([sure((rows[c] < ibis.literal(FIRST)) | (rows[c] >= ibis.literal(LAST))) for c in clocks]),
        ahead=any_flag([sure(t > limit) for t in lies_ahead]),
        bulk=rows.bulk if "bulk" in rows.columns else ibis.literal(False),
        order=any_flag([sure(policy.after(rows[late], "clock_skew") < rows[early]) for late, early in pairs]),
    )


@rule("DQ-05", severity="medium", clauses=[])
def snapshot_is_fresh(delivery: ir.Table, policy: View) -> Check:
    """The snapshot shows one instant, and was taken soon after it."""
    d = delivery
    stale = d.extracted_at > policy.as_of_plus("freshness")
    return Check(
        d,
        [
            unknown("extracted_at_missing", d.extracted_at.isnull()),
            violation("as_of_after_extraction", sure(d.as_of > d.extracted_at)),
            review("stale", sure(stale)),
        ],
    )


@rule("DQ-06", severity="high", clauses=["CL-003"])
def coverage_is_whole(delivered_tables: ir.Table, policy: View) -> Check:
    """Every table covers the time that the rules examine."""
    t = delivered_tables
    start, _ = policy.period
    conditions = [
        review("filter_applied", t.filtered),
        review("empty_table", t.rows == 0),
        review("not_complete", t.cut),
        review("window_not_stated", ~t.complete & (t.window_start.isnull() | t.window_end.isnull())),
        review("window_starts_late", ~t.complete & sure(policy.date(t.window_start) > start)),
        review("window_ends_early", sure(t.window_end < policy.as_of)),
    ]
    return Check(t, conditions, by=("table_name",))


@rule("DQ-07", severity="high", clauses=["CL-135", "CL-194"])
def policy_text_unchanged(policy_clauses: ir.Table) -> Check:
    """The audited text of the policy is the published one, and is complete."""
    c = policy_clauses
    return Check(
        c,
        [
            violation("sentence_changed", c.status == "changed"),
            review("text_truncated", c.status == "truncated"),
        ],
        by=("clause_id",),
    )


def sharing_a_device(devices: ir.Table) -> ir.Table:
    """One row per person with a real advertising id that another has as well: `device_shared`."""
    used = devices.filter(real_ad_id(devices)).select("ad_id", "user_id").distinct()
    shared = used.group_by("ad_id").agg(holders=used.user_id.nunique()).filter(lambda t: t.holders > 1)
    return used.inner_join(shared, "ad_id").select("user_id").distinct().mutate(device_shared=True)


@rule("DQ-08", severity="low", clauses=[])
def people_told_apart(users: ir.Table, present: Present) -> Check:
    """Each account belongs to a different person, so that counts of accounts are counts of people."""
    u = users.mutate(mail=trim(lower(users.email)), number=trim(users.phone))
    u = _also_used(_also_used(u, "mail"), "number")
    u = join(u, sharing_a_device(present["devices"])) if "devices" in present else u.mutate(device_shared=False)
    return Check(
        u,
        [
            review("shared_email", ~blank(u.mail) & u.mail_shared),
            review("shared_phone", ~blank(u.number) & u.number_shared),
            review("shared_device", u.device_shared),
        ],
    )


def _also_used(users: ir.Table, column: str) -> ir.Table:
    """`users` with `<column>_shared`: whether another user has the same value there."""
    held = users.group_by(column).agg(holders=users.user_id.nunique())
    shared = held.filter(held.holders > 1).select(column).mutate(**{f"{column}_shared": True})
    return join(users, shared, column)


@rule("DQ-09", severity="high", clauses=[])
def test_accounts_are_tests(users: ir.Table, present: Present, policy: View) -> Check:
    """Test accounts are few, and none of them belongs to a real person."""
    marked = users.agg(marked=users.is_test.sum(), accounts=users.count())
    contradicted = has(users, "user_id", contradicted=~users.is_test)
    t = users.filter(users.is_test)
    for others in (contradicted, paying(users, present), marketed(users, present, policy)):
        t = join(t, others)
    t = t.cross_join(marked)
    conditions = [
        review("too_many", t.marked > t.accounts * policy.setting("test_share")),
        review("contradicting", t.contradicted),
        review("paying", t.paying),
        review("contacted", t.marketed),
    ]
    return Check(t, conditions)
