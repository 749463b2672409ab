"""Security of what is stored and served: secrets, addresses of media, and what the delivery itself carries."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit import contract
from heytalk_audit.audit.check import Check, passes, review, rule, unknown, violation
from heytalk_audit.audit.present import Present
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import alternatives, blank, key, lower, plain, trim
from heytalk_audit.policy.declared import Codes
from heytalk_audit.policy.view import View
from heytalk_audit.rules.declared_terms import is_one_of
from heytalk_audit.rules.sensitive_traces import named_like
from heytalk_audit.rules.terms import any_flag, delivered, has, join


def begins_with(text: ir.StringValue, words: tuple[str, ...]) -> ir.BooleanValue:
    """Whether a text begins with one of the words; false where it is null."""
    return any_flag([sure(text.startswith(word)) for word in words])


@rule("SEC-01", severity="critical", clauses=["CL-065", "CL-086"])
def secret_in_clear(users: ir.Table, policy: View) -> Check:
    """Passwords are stored only as slow, salted hashes."""
    u = with_password(users, policy)
    slow, fast, clear = (is_format(u.credential_format, how, policy) for how in ("slow", "fast", "clear"))
    u = u.mutate(kept_as=ibis.cases((slow, "slow hash"), (fast, "fast hash"), (clear, "readable"), else_="not recognised"))
    return Check(
        u,
        [
            unknown("format_missing", blank(u.credential_format)),
            passes(slow),
            violation("fast_hash", fast),
            violation("clear_or_reversible", clear),
            review("format_unrecognised", ~slow),
        ],
        by=("kept_as",),
    )


def with_password(users: ir.Table, policy: View) -> ir.Table:
    """The accounts that are neither purged nor anonymised and have a password."""
    u = users.select("user_id", "status", "credential_format")
    return u.filter(~sure(u.status.isin(["purged", "anonymised"])), ~is_one_of(u.credential_format, policy.declared["no_password"]))


def is_format(label: ir.StringValue, how: str, policy: View) -> ir.BooleanValue:
    """Whether a label is that of a declared format of passwords: `slow`, `fast` or `clear`."""
    return begins_with(key(label), policy.declared[f"credentials_{how}"].keys())


#: A value that no reader understands: a long digest or cipher text in hexadecimal or base 64, or a hash with its parameters.
CIPHERED = "^([0-9a-fA-F]{32,}|[A-Za-z0-9+/_-]{22,}={0,2}|[$][0-9a-z]+[$][^ ]+|v[0-9]+:[^ ]+)$"


def readable_values(inventory: ir.Table, present: Present, policy: View) -> ir.Table:
    """One row per column that is said to be encrypted and was delivered as text: how many values it has that can be read."""
    counted = []
    for name in policy.setting("encrypted_columns"):
        table, _, column = name.partition(".")
        if table in present and column in present[table].columns and present[table][column].type().is_string():
            cells = present[table].select(cell=present[table][column]).filter(lambda t: ~blank(t.cell))
            read = cells.agg(values=cells.count(), readable=sure(~trim(cells.cell).re_search(CIPHERED)).sum().fill_null(0))
            counted.append(read.select("values", "readable", column_name=ibis.literal(name)))
    none = inventory.limit(0).select(values=ibis.null("int64"), readable=ibis.null("int64"), column_name=inventory.column_name)
    return ibis.union(none, *counted) if counted else none


@rule("SEC-02", severity="high", clauses=["CL-086"])
def encrypted_field_readable(column_inventory: ir.Table, detections: ir.Table, policy: View, present: Present) -> Check:
    """Columns stated to be encrypted cannot be read."""
    k = with_secrets(column_inventory, detections, present, policy)
    k = k.filter(k.promised | k.secret | k.secret_inside)
    return Check(
        k,
        [
            violation("readable", k.promised & (sure(k.readable > 0) | k.kind.isin(["number", "boolean", "time"]))),
            review("unexamined", k.promised & k.readable.isnull()),
            review("named_like_a_secret", k.secret & ~k.promised),
            review("secret_in_text", k.secret_inside),
        ],
        by=("table_name",),
    )


def with_secrets(inventory: ir.Table, detections: ir.Table, present: Present, policy: View) -> ir.Table:
    """Columns with `promised` (said to be encrypted), how many values are `readable`, `secret` (its name), and `secret_inside`."""
    encrypted = policy.setting("encrypted_columns")
    secrets = detections.filter(detections.what == "value", detections.finding.isin(["secret", "password", "digest"]))
    secrets = secrets.filter(secrets.confidence != "low")
    inside = has(secrets, "place", secret_inside=secrets.place.notnull()).rename(column_name="place")
    k = join(inventory.filter(inventory.filled), inside, "column_name")
    k = join(k, readable_values(k, present, policy), "column_name")
    return k.mutate(
        promised=k.column_name.isin(encrypted) if encrypted else ibis.literal(False),
        secret=named_like(k.name, policy.setting("secret_names")),
    )


@rule("SEC-05", severity="medium", clauses=["CL-086"])
def unencrypted_transport(content_items: ir.Table, policy: View) -> Check:
    """Media is transmitted encrypted."""
    c = content_items.filter(~blank(content_items.url))
    c = c.select("content_id", "user_id", address=trim(lower(c.url)), **delivered(c, "kind"))
    clear, safe = (begins_with(c.address, policy.declared[f"schemes_{how}"].words) for how in ("clear", "encrypted"))
    relative = sure(c.address.startswith("//"))
    return Check(
        c,
        [
            unknown("scheme_unrecognised", ~clear & ~safe & ~relative),
            violation("unencrypted_scheme", clear),
            review("scheme_relative", relative),
        ],
        by=("kind",),
    )


def host_of(address: ir.StringValue) -> ir.StringValue:
    """The host of an address: without the user's name and the port."""
    authority = address.re_replace("^[a-z]+://", "").re_replace(r"[/?#][\s\S]*$", "")
    return authority.re_replace(r"^[\s\S]*@", "").re_replace(r":[\s\S]*$", "")


def is_private(host: ir.StringValue, policy: View) -> ir.BooleanValue:
    """Whether a host can be reached from inside only, or checks access itself as the audit was told."""
    part = "(25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])"
    dotted = ~host.re_search("[^0-9.]") & host.re_search(rf"^{part}[.]{part}[.]{part}[.]{part}$")
    inside = host.re_search("^(127|10|192[.]168|172[.](1[6-9]|2[0-9]|3[01]))[.]")
    named = (host == "localhost") | host.endswith(".local") | host.endswith(".internal")
    hosts = [plain(name) for name in policy.setting("gateway_hosts")]
    return sure(dotted & inside) | sure(named) | (sure(host.isin(hosts)) if hosts else ibis.literal(False))


def carries(address: ir.StringValue, names: Codes) -> ir.BooleanValue:
    """Whether an address's query has one of the names with a value."""
    query = address.re_replace(r"#[\s\S]*$", "").re_replace(r"^[^?]*\??", "")
    return sure(query.re_search(f"(^|&)({alternatives(names.words)})=[^&]"))


@rule("SEC-06", severity="high", clauses=[])
def private_media_plain(content_items: ir.Table, policy: View) -> Check:
    """Media that is not public cannot be opened by knowing its address alone."""
    c = private_media(content_items)
    web = begins_with(c.address, ("http://", "https://"))
    return Check(
        c,
        [
            unknown("visibility_missing", blank(c.visibility)),
            passes(~web | is_private(host_of(c.address), policy)),
            violation("unsigned", ~carries(c.address, policy.declared["signature_names"])),
            review("signed_no_expiry", ~carries(c.address, policy.declared["expiry_names"])),
        ],
        by=("kind", "visibility"),
    )


def private_media(content: ir.Table) -> ir.Table:
    """Pictures, videos and voice messages with an address that are not public, and their `address`."""
    c = content.filter(content.kind.isin(["photo", "video", "voice"]), ~blank(content.url), ~sure(content.visibility == "public"))
    return c.select("content_id", "user_id", "kind", "visibility", address=trim(lower(c.url)))


@rule("SEC-08", severity="medium", clauses=[])
def snapshot_too_full(column_inventory: ir.Table, policy: View, present: Present) -> Check:
    """The snapshot holds no more data than the audit needs."""
    k = with_written(column_inventory, present, policy)
    wanted = [f"{table.name}.{column.name}" for table in contract.load().values() for column in table.columns]
    return Check(
        k,
        [
            violation("not_in_contract", ~k.column_name.isin(wanted)),
            review("free_text_delivered", k.written),
        ],
        by=("table_name",),
    )


def with_written(inventory: ir.Table, present: Present, policy: View) -> ir.Table:
    """Columns with `written`: whether anything stands in one that is delivered only by agreement."""
    filled = []
    for name in policy.setting("opt_in_columns"):
        table, _, column = name.partition(".")
        if table in present and column in present[table].columns:
            written = sure(~blank(present[table][column])).any()
            filled.append(present[table].agg(written=written).select("written", column_name=ibis.literal(name)))
    return join(inventory, ibis.union(*filled), "column_name") if filled else inventory.mutate(written=ibis.literal(False))
