"""What a report counts people by: the region whose law applies to them, and their age."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.expressions.calendar import full_years
from heytalk_audit.policy.view import View

NOT_KNOWN = "not known"
#: An age band: the first whose limit, in years, lies above the age.
AGE_BANDS = ((13, "under 13"), (16, "13 to 15"), (18, "16 to 17"), (25, "18 to 24"), (65, "25 to 64"), (200, "65 and over"))


def test_accounts(users: ir.Table) -> ir.Table:
    """The ids of test accounts, in one column `tester`: those that every row of the id says to be one."""
    flags = users.filter(users.user_id.notnull()).group_by(tester=users.user_id).agg(every=users.is_test.fill_null(False).all())
    return flags.filter(flags.every).select("tester")


def people_table(users: ir.Table, today: ir.DateScalar) -> ir.Table:
    """One row per person: user_id, `region` (null where not said) and `age`, as a band. No person where the users have no id."""
    columns = {"law_region": "string", "birth_date": "date"}
    if "user_id" in users.columns:
        rows = newest_rows(users)
        rows = rows.group_by("user_id").agg(**{c: rows[c].max() for c in columns if c in rows.columns})
    else:
        rows = users.limit(0).select(user_id=ibis.null("string"))
    rows = rows.mutate(**{c: ibis.null(kind) for c, kind in columns.items() if c not in rows.columns})
    return rows.select("user_id", region=rows.law_region, age=age_band(rows.birth_date, today))


def without_tests(rows: ir.Table, users: ir.Table) -> ir.Table:
    """Rows that have a `user_id`, but for those of test accounts."""
    testers = test_accounts(users)
    return rows.anti_join(testers, rows.user_id == testers.tester)


def one_row_each(users: ir.Table, view: View) -> ir.Table:
    """The delivered users as `newest_rows` has them, computed once per audit: many rules join them."""
    newest = newest_rows(users)
    return newest if newest.equals(users) else view.named("users_once", newest)


def newest_rows(users: ir.Table) -> ir.Table:
    """The users, of an id that stands in several rows only that created last; of several such the one of the greatest status, as text.

    Rows that are alike in both stay, all of them.
    """
    if not {"user_id", "created_at", "status"} <= set(users.columns):
        return users
    ids = users.group_by("user_id").agg(rows=users.count())
    copies = users.semi_join(ids.filter(ids.rows > 1), "user_id").select("user_id", "created_at", "status")
    newest = copies.group_by("user_id").agg(created_last=copies.created_at.max())
    copies = copies.inner_join(newest, "user_id").filter(lambda c: (c.created_at == c.created_last) | c.created_last.isnull())
    deciding = copies.group_by("user_id", "created_last").agg(status_last=copies.status.max())
    rows = users.left_join(deciding, "user_id", rname="deciding_{name}")
    stays = rows.created_at.identical_to(rows.created_last) & rows.status.identical_to(rows.status_last)
    return rows.filter(rows.deciding_user_id.isnull() | stays).select(users.columns)


def age_band(birth: ir.DateValue, today: ir.DateScalar) -> ir.StringValue:
    """The band of an age; not known where the birth is not, or lies ahead."""
    years = full_years(birth, today)
    bands = [(years < limit, label) for limit, label in AGE_BANDS]
    return ibis.cases((birth.isnull() | (birth > today), NOT_KNOWN), *bands, else_=NOT_KNOWN)
