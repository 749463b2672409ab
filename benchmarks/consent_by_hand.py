"""The best hand-written DuckDB SQL for rules of consent and minors, as of 2025-03-01 12:00 in UTC, with the policy's own numbers.

Each gives the rows that do not pass, with record, person, reason and what its rule breaks findings down by.
"""

from __future__ import annotations

AS_OF = "TIMESTAMP '2025-03-01 12:00'"

HISTORY = f"""
    WITH events AS (
        SELECT user_id, {{key}} AS purpose, event_at AS since, max(CASE
            WHEN action = 'withdraw' THEN 6 WHEN action = 'opt_out' THEN 5 WHEN action = 'refuse' THEN 4
            WHEN NOT explicit OR method IN ('bundled_terms', 'default') THEN 1
            WHEN policy_version IS NULL OR trim(policy_version) = '' THEN 2 ELSE 3 END)::TINYINT AS state
        FROM consents WHERE event_at <= {AS_OF} AND purpose IN ({{purposes}})
        GROUP BY ALL),
    stories AS (
        SELECT *, coalesce(lead(since) OVER (PARTITION BY user_id, purpose ORDER BY since), TIMESTAMP '9999-12-31') AS until,
               min(since) FILTER (state > 4) OVER (PARTITION BY user_id, purpose) AS stopped FROM events),
    history AS MATERIALIZED (SELECT * FROM stories {{wanted}}),
"""
MARKETING = {"key": "substr(purpose, 11)", "purposes": "'marketing_push', 'marketing_email', 'marketing_sms'"}
SENDS = f"""
    sends AS (
        SELECT message_id, user_id, channel AS purpose, category, status, sent_at AS moment
        FROM outbound_messages
        WHERE category IN ({{categories}}) AND status <> 'suppressed' AND sent_at <= {AS_OF}
          AND sent_at >= TIMESTAMP '2024-12-01' AND sent_at < TIMESTAMP '2025-03-02')
"""
#: The state of a consent at an instant, and 300 seconds before and after it: clocks may differ so much.
STATES = """,
    probes AS (SELECT *, moment - INTERVAL 300 SECOND AS early, moment + INTERVAL 300 SECOND AS late FROM {rows}),
    judged AS (
        SELECT s.*, coalesce(a.state, 0) AS state, a.since, coalesce(b.state, 0) AS earlier, coalesce(c.state, 0) AS later
        FROM probes s
        LEFT JOIN history a ON a.user_id = s.user_id AND a.purpose = s.purpose AND a.since <= s.moment AND s.moment < a.until
        LEFT JOIN history b ON b.user_id = s.user_id AND b.purpose = s.purpose AND b.since < s.early AND s.early <= b.until
        LEFT JOIN history c ON c.user_id = s.user_id AND c.purpose = s.purpose AND c.since <= s.late AND s.late < c.until
        {where})
"""
NOT_PASSED = """
    SELECT '{table}:' || judged.{key} AS record, CASE WHEN trim(judged.user_id) <> '' THEN judged.user_id END AS subject, {by},
           {reason} AS reason, t.user_id IS NOT NULL AS excluded
    FROM judged LEFT JOIN (SELECT DISTINCT user_id FROM users WHERE is_test) t ON t.user_id = judged.user_id
    WHERE {broken} OR t.user_id IS NOT NULL
"""
MONTH = "judged.purpose AS channel, strftime(judged.moment, '%Y-%m') AS month"
SENT = {"table": "outbound_messages", "key": "message_id", "by": MONTH}
LIVE = f"""
    live AS (
        SELECT * FROM users WHERE status IN ('active', 'suspended', 'banned')
        AND (deleted_at IS NULL OR coalesce(deleted_at <= restored_at AND restored_at <= {AS_OF}, FALSE)))
"""
USER = {"table": "users", "key": "user_id", "by": "law_region"}
AGE_AT = "year({day}) - year(birth_date) - ((month({day}), day({day})) < (month(birth_date), day(birth_date)))::INT"


def age(day: str) -> str:
    """Age on a day, as SQL."""
    return AGE_AT.format(day=day)


AGE_TODAY, AGE_BEFORE, AGE_SENT, AGE_BEGUN = (age(d) for d in ("DATE '2025-03-01'", "DATE '2024-12-01'", "sent_at", "created_at"))

BY_HAND = {
    "CON-01": HISTORY.format(**MARKETING, wanted="")
    + SENDS.format(categories="'marketing', 'unknown'")
    + STATES.format(rows="sends", where="")
    + NOT_PASSED.format(
        **SENT,
        broken="state <> 3",
        reason="""CASE WHEN state = 2 THEN 'version_unknown' WHEN earlier IN (2, 3) OR later IN (2, 3) THEN 'clock_skew'
            WHEN category = 'unknown' THEN 'category_unknown' ELSE state::VARCHAR END""",
    ),
    "CON-02": HISTORY.format(**MARKETING, wanted="WHERE stopped IS NOT NULL")
    + SENDS.format(categories="'marketing'")
    + STATES.format(rows="sends", where="WHERE a.stopped <= s.moment")
    + NOT_PASSED.format(
        **SENT,
        broken="state > 4",
        reason="""CASE WHEN earlier < 5 OR later < 5 THEN 'clock_skew' WHEN status = 'bounced' THEN 'bounced'
            WHEN moment <= since + INTERVAL 24 HOUR THEN 'within_24h'
            WHEN moment::DATE - since::DATE <= [3, 3, 5, 5, 5, 4, 3][isodow(since)] THEN 'within_3_business_days' ELSE 'beyond' END""",
    ),
    "CON-03": f"WITH {LIVE}"
    + f""", acceptances AS (
        SELECT user_id, min(event_at) AS accepted,
               min(event_at) FILTER (policy_version IN (SELECT policy_version FROM policy_versions)) AS accepted_known
        FROM consents WHERE purpose = 'policy_acceptance' AND action = 'grant' AND event_at <= {AS_OF} GROUP BY ALL),
    judged AS (SELECT live.*, accepted, accepted_known FROM live LEFT JOIN acceptances USING (user_id))
    """
    + NOT_PASSED.format(
        **USER,
        broken=f"created_at > {AS_OF} OR NOT coalesce(accepted_known <= created_at, FALSE)",
        reason=f"""CASE WHEN created_at > {AS_OF} THEN 'clock_future' WHEN accepted <= created_at THEN 'version_unknown'
            WHEN accepted <= created_at + INTERVAL 300 SECOND THEN 'clock_skew'
            WHEN accepted IS NOT NULL THEN 'accepted_late' ELSE 'no_acceptance' END""",
    ),
    "CON-04": f"""
    WITH grants AS (SELECT *, floor(epoch(event_at))::BIGINT AS second FROM consents WHERE action = 'grant'),
    crowd AS (
        SELECT method, second, TRUE AS many FROM grants WHERE user_id NOT IN (SELECT user_id FROM users WHERE is_test)
        GROUP BY ALL HAVING count(DISTINCT user_id) > 20),
    judged AS (
        SELECT consent_id, g.user_id, purpose, method, CASE WHEN event_at > {AS_OF} THEN 'clock_future'
            WHEN method IN ('default', 'import', 'staff', 'signal_gpc') THEN 'method_not_affirmative'
            WHEN method = 'bundled_terms' AND purpose <> 'policy_acceptance' THEN 'bundled'
            WHEN policy_version IS NULL OR trim(policy_version) = '' THEN 'version_missing'
            WHEN purpose <> 'policy_acceptance' AND event_at + INTERVAL 300 SECOND < created_at THEN 'before_account'
            WHEN purpose <> 'policy_acceptance' AND event_at < created_at THEN 'clock_skew'
            WHEN many THEN 'bulk' END AS why
        FROM grants g LEFT JOIN crowd USING (method, second) LEFT JOIN (SELECT user_id, created_at FROM users) u ON u.user_id = g.user_id)
    """
    + NOT_PASSED.format(table="consents", key="consent_id", by="purpose, method", broken="why IS NOT NULL", reason="why"),
    "CON-05": HISTORY.format(key="purpose", purposes="'media'", wanted="")
    + """
    items AS (
        SELECT content_id, user_id, 'media' AS purpose, kind, selection_method, created_at AS moment FROM content_items
        WHERE kind IN ('photo', 'video') AND (parent_id IS NULL OR trim(parent_id) = ''))
    """
    + STATES.format(rows="items", where="")
    + NOT_PASSED.format(
        table="content_items",
        key="content_id",
        by="kind, selection_method",
        broken=f"moment > {AS_OF} OR state <> 3",
        reason=f"""CASE WHEN moment > {AS_OF} THEN 'clock_future' WHEN state = 2 THEN 'version_unknown'
            WHEN earlier IN (2, 3) OR later IN (2, 3) THEN 'clock_skew'
            WHEN state = 0 AND selection_method = 'user_selected' THEN 'picker_only' ELSE state::VARCHAR END""",
    ),
    "MIN-01": f"WITH {LIVE}, judged AS (SELECT *, {AGE_BEGUN} AS age FROM live WHERE birth_date IS NOT NULL)"
    + NOT_PASSED.format(
        **USER,
        broken=f"""created_at > {AS_OF} OR birth_date > created_at::DATE OR {AGE_TODAY} > 110
            OR (law_region IS NULL AND age < 18)
            OR age < CASE law_region WHEN 'EEA' THEN 16 WHEN 'TR' THEN 18 WHEN 'CN' THEN 14 ELSE 13 END AND law_region IS NOT NULL""",
        reason=f"""CASE WHEN created_at > {AS_OF} THEN 'clock_future'
            WHEN birth_date > created_at::DATE OR {AGE_TODAY} > 110 THEN 'birth_date_implausible'
            WHEN law_region IS NULL THEN 'region_missing' ELSE 'below_law_age' END""",
    ),
    "MIN-02": f"WITH {LIVE}"
    + """, dated AS (SELECT birth_date FROM live WHERE birth_date IS NOT NULL AND NOT is_test),
    often AS (SELECT birth_date FROM dated GROUP BY ALL HAVING count(*) >= 20 AND count(*) / (SELECT count(*) FROM dated) > 0.01),
    judged AS (SELECT live.*, often.birth_date IS NOT NULL AS repeated FROM live LEFT JOIN often USING (birth_date))
    """
    + NOT_PASSED.format(
        **USER,
        broken=f"birth_date IS NULL OR birth_date > created_at::DATE OR {AGE_TODAY} > 110 OR repeated",
        reason=f"""CASE WHEN birth_date IS NULL THEN 'birth_date_missing' WHEN birth_date > created_at::DATE THEN 'born_after_creation'
            WHEN {AGE_TODAY} > 110 THEN 'too_old' ELSE 'repeated_date' END""",
    ),
    "MIN-03": f"WITH {LIVE}"
    + f""", minors AS (SELECT * FROM live WHERE {AGE_BEFORE} < 18),
    ads AS (
        SELECT DISTINCT user_id FROM disclosures d JOIN minors USING (user_id)
        WHERE kind = 'advertising' AND sent_at >= TIMESTAMP '2024-12-01' AND sent_at <= {AS_OF} AND {AGE_SENT} < 18),
    marketed AS (
        SELECT DISTINCT user_id FROM outbound_messages m JOIN minors USING (user_id)
        WHERE category = 'marketing' AND m.status <> 'suppressed' AND sent_at >= TIMESTAMP '2024-12-01' AND sent_at <= {AS_OF}
          AND {AGE_SENT} < 18),
    judged AS (
        SELECT minors.*, a.user_id IS NOT NULL AS advertised, m.user_id IS NOT NULL AS marketed
        FROM minors LEFT JOIN ads a USING (user_id) LEFT JOIN marketed m USING (user_id))
    """
    + NOT_PASSED.format(
        **USER,
        broken=f"""birth_date > created_at::DATE OR advertised OR marketed
            OR (profile_visibility = 'public' AND {AGE_TODAY} < 18)""",
        reason="""CASE WHEN birth_date > created_at::DATE THEN 'birth_date_implausible' WHEN advertised THEN 'ad_disclosure'
            WHEN marketed THEN 'marketing_send' ELSE 'public_profile' END""",
    ),
}
