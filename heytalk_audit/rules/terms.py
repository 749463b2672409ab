"""Terms that several rules share: deletion, contact, entitlement, what a person's data consists of."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Condition, unknown
from heytalk_audit.expressions.calendar import latest, sure
from heytalk_audit.expressions.fillers import identifies, null_word, placeholder
from heytalk_audit.expressions.strings import blank, key, lower, plain, plain_key, trim
from heytalk_audit.policy.view import View

LIVE = ("active", "suspended", "banned")
IDENTIFIERS = ("display_name", "email", "phone")
#: What may be held of a deleted account, in the order in which an excess is named, and the table that holds it.
CLASSES = {
    "sensitive": "profile_attributes",
    "media": "content_items",
    "ad_id": "devices",
    "profile": "profile_attributes",
    "posts": "content_items",
}
MEDIA, POSTS = ("photo", "video", "voice", "transcript"), ("post", "room")


def only_if(condition: ir.BooleanValue, value: ir.Value) -> ir.Value:
    """The value where the condition holds, else null."""
    return condition.ifelse(value, ibis.null(value.type()))


def nothing(column: ir.Value) -> ir.Value:
    """What a row holds in a column that says nothing of it: false in a flag, null in another."""
    return ibis.literal(False) if column.type().is_boolean() else ibis.null(column.type())


def delivered(table: ir.Table, *names: str) -> dict[str, ir.Value]:
    """Those of the columns that were delivered: for breakdowns, which no verdict rests on."""
    return {name: table[name] for name in names if name in table.columns}


def lookup(table: ir.Table, key: str, **columns: ir.Value) -> ir.Table:
    """One row per key, so that a join to it never multiplies rows, whatever the delivery repeats."""
    return table.group_by(key).agg(**{n: c.any() if c.type().is_boolean() else c.max() for n, c in columns.items()})


def has(table: ir.Table, key: str, **flags: ir.BooleanValue) -> ir.Table:
    """One row per key with, for each flag, whether it holds in some row of that key."""
    return table.filter(table[key].notnull()).group_by(key).agg(**{n: sure(f).any() for n, f in flags.items()})


def join(rows: ir.Table, other: ir.Table, key: str | list[str] = "user_id") -> ir.Table:
    """Left join to a table of one row per key; flags are false where there is none."""
    joined = rows.left_join(other, key, rname="other_{name}")
    keys = [key] if isinstance(key, str) else key
    joined = joined.select([c for c in joined.columns if c not in [f"other_{k}" for k in keys]])
    flags = {n: joined[n].fill_null(False) for n in other.columns if n not in keys and other[n].type().is_boolean()}
    return joined.mutate(**flags)


# deletion ------------------------------------------------------------------------------------------


def with_gone(users: ir.Table, policy: View) -> ir.Table:
    """Users with `gone` (deleted_at unless restored since) and `restored`."""
    restored = sure(users.deleted_at <= users.restored_at) & policy.by_now(users.restored_at)
    return users.mutate(restored=restored, gone=only_if(~restored, users.deleted_at))


def with_deletion(users: ir.Table, policy: View) -> ir.Table:
    """The same, and by the status too: `is_gone`, `live`."""
    users = with_gone(users, policy)
    return users.mutate(
        is_gone=users.gone.notnull() | (users.status == "deleted"),
        live=users.status.isin(LIVE) & users.gone.isnull(),
    )


def with_request(users: ir.Table, policy: View) -> ir.Table:
    """The same, and `requested_at`: the request to delete, unless restored since."""
    users = with_deletion(users, policy)
    taken_back = sure(users.deletion_requested_at <= users.restored_at) & policy.by_now(users.restored_at)
    return users.mutate(requested_at=only_if(~taken_back, users.deletion_requested_at))


def leaving(users: ir.Table, policy: View) -> ir.Table:
    """Users as of `with_request` whose deletion is in effect, or was asked for."""
    users = with_request(users, policy)
    return users.filter(users.is_gone | users.requested_at.notnull())


def deletion_unclear(users: ir.Table, policy: View) -> list[Condition]:
    """Why the state of a deleted account can't be told."""
    deleted = users.status == "deleted"
    restored_at = only_if(users.gone.notnull(), users.restored_at)
    return [
        unknown("clock_missing", deleted & users.deleted_at.isnull()),
        unknown("clock_future", policy.future(users.gone, users.purged_at, restored_at)),
        unknown("clock_contradiction", sure(users.purged_at < users.gone)),
        unknown(
            "status_contradiction",
            (deleted & users.restored) | (users.status.isin(["active", "suspended"]) & users.gone.notnull()),
        ),
    ]


def any_of(conditions: list[Condition]) -> ir.BooleanValue:
    """Whether one of the conditions holds."""
    return any_flag([condition.when for condition in conditions])


def doubt_columns(doubts: list[Condition]) -> dict[str, ir.BooleanValue]:
    """Conditions as columns `doubt_<n>`, so that they can be joined to other rows: false where they are null."""
    return {f"doubt_{i}": sure(doubt.when) for i, doubt in enumerate(doubts)}


def doubts_of(rows: ir.Table, doubts: list[Condition], where: ir.BooleanValue | None = None) -> list[Condition]:
    """The same conditions on rows that have their `doubt_columns`; with `where` only on the rows for which that holds."""
    flags = [rows[name] for name in doubt_columns(doubts)]
    flags = flags if where is None else [where & flag for flag in flags]
    return [unknown(str(doubt.reason), flag) for doubt, flag in zip(doubts, flags, strict=True)]


def filled(value: ir.StringValue, policy: View) -> ir.BooleanValue:
    """Whether something is there: no blank, no word for null, nothing that stands for nobody."""
    words, others = policy.setting("placeholders"), policy.setting("placeholders_other")
    return ~blank(value) & ~null_word(value) & ~placeholder(value, words, others)


def offending(users: ir.Table, policy: View) -> dict[str, ir.BooleanValue]:
    """The direct identifiers of a users row, and whether each is there."""
    words, others = policy.setting("placeholders"), policy.setting("placeholders_other")
    return {name: identifies(name, users[name], words, others) for name in IDENTIFIERS}


def with_identifiers(users: ir.Table, policy: View) -> ir.Table:
    """Users with `has_<identifier>`, for each direct identifier, and `named`: whether a row still holds one."""
    flags = offending(users, policy)
    return users.mutate(**{f"has_{n}": flag for n, flag in flags.items()}, named=any_flag(list(flags.values())))


def identifiers_left(users: ir.Table) -> dict[str, ir.BooleanValue]:
    """By identifier whether it is there (rows as of `with_identifiers`)."""
    return {name: users[f"has_{name}"] for name in IDENTIFIERS}


# contact and entitlement ---------------------------------------------------------------------------


def with_contact(users: ir.Table, subscriptions: ir.Table, policy: View) -> ir.Table:
    """All users with `contact_at` (any contact), `interactive_at` (interactive use), `anchor` (the later of `contact_at` and the end of the
    last entitlement), and, of their entitlements: `premium`, `contradictory`, `subscribed` (any has begun). Who takes a deletion back is in
    contact; where no interactive use was recorded of anybody, any contact counts as one."""
    recorded = users.aggregate(interactive_recorded=sure(users.last_interactive_at.notnull().any()))
    users = join(users, entitlements(subscriptions, policy)).cross_join(recorded)
    back = only_if(sure(users.restored_by == "user") & policy.by_now(users.restored_at), users.restored_at)
    contact = latest(users.last_contact_at, users.last_interactive_at, back)
    interactive = users.interactive_recorded.ifelse(latest(users.last_interactive_at, back), contact)
    users = users.mutate(contact_at=ibis.coalesce(contact, users.created_at), interactive_at=ibis.coalesce(interactive, users.created_at))
    return users.mutate(anchor=latest(users.contact_at, users.ended))


def begun(subscriptions: ir.Table, policy: View) -> ir.Table:
    """Subscriptions that have begun, with whether each is `current` or `contradictory`, and when it `ended`."""
    s = subscriptions.filter(policy.by_now(subscriptions.start_at))
    over = policy.by_now(s.end_at)
    contradictory = sure(s.start_at > s.end_at) | ((s.status == "expired") & ~over)
    counts = s.status.isin(["active", "expired"])
    current = (s.status == "active") & ~contradictory & ~over
    return s.mutate(contradictory=counts & contradictory, current=current, ended=only_if(counts & ~contradictory & over, s.end_at))


def entitlements(subscriptions: ir.Table, policy: View) -> ir.Table:
    """One row per user whose subscription has begun: `premium`, `contradictory`, `ended`, `subscribed`."""
    s = begun(subscriptions, policy)
    facts = {"premium": s.current.any(), "contradictory": s.contradictory.any(), "ended": s.ended.max()}
    return policy.named("entitlements", s.group_by("user_id").agg(**facts, subscribed=s.start_at.notnull().any()))


def firm_entitlements(subscriptions: ir.Table, policy: View) -> ir.Table:
    """One row per user whose subscription has begun: `firm`, whether a current one is paid or for life."""
    s = begun(subscriptions, policy)
    return has(s, "user_id", firm=s.current & s.kind.isin(["paid", "lifetime"]))


def contact_unclear(u: ir.Table, policy: View) -> list[Condition]:
    """Why the last contact of an account can't be told (`u` as of `with_contact`)."""
    inactive = policy.over(u.contact_at, "inactivity") | policy.over(u.interactive_at, "inactivity")
    return [
        unknown("clock_future", policy.future(u.created_at, u.last_contact_at, u.last_interactive_at)),
        unknown("clock_contradiction", sure(policy.after(u.contact_at, "clock_skew") < u.created_at)),
        unknown("status_contradiction", u.purged_at.notnull()),
        unknown("entitlement_contradiction", u.contradictory & inactive),
    ]


# what is held of a person --------------------------------------------------------------------------


def alive(table: ir.Table, policy: View) -> ir.BooleanValue:
    """Not deleted by the audit's instant."""
    return ~policy.by_now(table.deleted_at)


def of_special_category(attributes: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether an attribute's category (what follows its last colon) or its name is a term for data of a special category."""
    terms = [plain_key(term) for term in policy.setting("special_terms")]
    return sure(category_key(attributes).isin(terms)) | sure(key(attributes.name).isin(terms))


def of_no_known_category(attributes: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether an attribute is of a category that is neither a special nor an ordinary term, and not named as a special one."""
    terms = [plain_key(term) for term in policy.setting("ordinary_terms")]
    return ~of_special_category(attributes, policy) & ~sure(category_key(attributes).isin(terms))


def category_key(attributes: ir.Table) -> ir.StringValue:
    """The key of an attribute's category: of what follows its last colon."""
    return key(attributes.category.re_replace(r"^[\s\S]*:", ""))


def is_special(attributes: ir.Table, policy: View) -> ir.BooleanValue:
    """Whether an attribute is a value of a special category, and says something."""
    empty = [plain(word) for word in policy.setting("null_like")]
    value = trim(lower(attributes.value)).fill_null("")
    return of_special_category(attributes, policy) & filled(attributes.value, policy) & ~value.isin(empty)


def real_ad_id(devices: ir.Table) -> ir.BooleanValue:
    """Whether an advertising id is one: neither blank nor zeros nor a word for null."""
    return ~blank(devices.ad_id) & ~null_word(devices.ad_id) & sure(devices.ad_id.re_search("[^0-]"))


def attribute_classes(attributes: ir.Table, policy: View) -> ir.Table:
    """One row per user: does it hold `sensitive` values, other `profile` attributes."""
    special, there = is_special(attributes, policy), alive(attributes, policy)
    classes = has(attributes, "user_id", sensitive=special & there, profile=~special & there & filled(attributes.value, policy))
    return policy.named("attribute_classes", classes)


def content_classes(content: ir.Table, policy: View) -> ir.Table:
    """One row per author: does it hold `media`, `posts`, `chats`."""
    there = alive(content, policy)
    kinds = {"media": content.kind.isin(MEDIA), "posts": content.kind.isin(POSTS), "chats": content.kind == "chat"}
    classes = has(content, "user_id", **{name: there & flag for name, flag in kinds.items()})
    return policy.named("content_classes", classes)


def any_flag(flags: list[ir.BooleanValue]) -> ir.BooleanValue:
    """Whether one of the flags is set; false where there are none."""
    result: ir.BooleanValue = ibis.literal(False)
    for flag in flags:
        result = result | flag
    return result
