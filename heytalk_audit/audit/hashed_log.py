"""A purge log whose ids are keyed hashes: compared under its key, or not at all.

A company may write a hash of the id, so that its log says nothing of people who are gone. Who has the key can still tell whether a person
stands in it.
"""

from __future__ import annotations

from dataclasses import replace

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from heytalk_audit.audit.faults import Block, NotEvaluated
from heytalk_audit.audit.pseudonym import key_pads, keyed_digest
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import lower
from heytalk_audit.snapshot.open import Snapshot

LOG, KEYED = "purge_log", "hmac_sha256"
#: The engine's table of a log whose ids were compared under the key.
COMPARED = "compared_purge_log"
#: What an id looks like that is a digest.
_DIGEST = "^[0-9a-fA-F]{32,}$"


def is_keyed(snapshot: Snapshot) -> bool:
    """Whether the descriptor says that the ids of the log are keyed hashes."""
    return LOG in snapshot.tables and snapshot.delivery.resource(LOG).get("user_id_form") == KEYED


def with_compared_ids(snapshot: Snapshot, key: bytes | None) -> Snapshot:
    """The snapshot with the ids of people in its log, wherever a delivered table has the id of which the log has the hash.

    A hash of nobody who is still there stays. Without a key, or where the ids are no hashes, the snapshot stays as it is.
    """
    if key is None or not is_keyed(snapshot):
        return snapshot
    pads = key_pads(key, snapshot.engine, "purge_key_pads")
    log, others = snapshot.tables[LOG], [t for n, t in snapshot.tables.items() if n != LOG and "user_id" in t.columns]
    ids = ibis.union(*[t.filter(t.user_id.notnull()).select("user_id") for t in others]).distinct() if others else log.select("user_id")
    keyed = ids.cross_join(pads)
    people = keyed.select(person=keyed.user_id, digest=keyed_digest(keyed.user_id, keyed))
    rows = log.mutate(digest=lower(log.user_id)).left_join(people, "digest", rname="known_{name}")
    compared, _, _ = snapshot.engine.keep(COMPARED, rows.mutate(user_id=ibis.coalesce(rows.person, rows.user_id)).select(log.columns))
    # of a log that is compared no marks of wrong values are kept: those read as null
    others_marked = {name: table for name, table in snapshot.marked.items() if name != LOG}
    return replace(snapshot, tables=snapshot.tables | {LOG: compared}, marked=others_marked)


def is_hashed(snapshot: Snapshot, share: float) -> bool:
    """Whether nobody can be found in the log: its ids are hashes, by the descriptor or by their look, and were not compared."""
    log, users = snapshot.tables.get(LOG), snapshot.tables.get("users")
    if log is None or users is None or _is_compared(log) or "user_id" not in log.columns or "user_id" not in users.columns:
        return False
    if is_keyed(snapshot):
        return True
    digests, plain = (table.agg(share=sure(table.user_id.re_search(_DIGEST)).cast("float64").mean()) for table in (log, users))
    shares = snapshot.engine.rows(digests.cross_join(plain.rename(of_users="share"))).iloc[0]
    return bool(shares["share"] >= share) and not bool(shares["of_users"] >= share)


def refuse_hashed(reads: tuple[str, ...], hashed: bool) -> None:
    """Raise NotEvaluated for what compares the ids of such a log."""
    if hashed and LOG in reads:
        raise NotEvaluated([Block("hashed_purge_log", LOG, "the ids of purge_log are hashes, and there is no key to compare them under")])


def _is_compared(log: ir.Table) -> bool:
    table = log.op()
    return isinstance(table, ops.DatabaseTable) and table.name == COMPARED
