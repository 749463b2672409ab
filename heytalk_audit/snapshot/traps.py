"""What DuckDB must compute as rules expect it: each trap that a compiled query can meet, asked of the engine before it is used.

Two intervals of different units within one query are not among them, though an engine may merge these: no rule's query has two.
"""

from __future__ import annotations

#: By what would be wrong, what must hold; over columns of one row, so that nothing is computed before the query runs.
TRAPS = {
    "month ends": (
        "MAKE_DATE(CAST(FLOOR((2024 * 12 + thirteen) / 12) AS INTEGER), 2, LEAST(31, 28)) = DATE '2025-02-28'"
        " AND FLOOR(-thirteen / 12) = -2 AND thirteen % 12 = 1 AND EXTRACT(day FROM MAKE_DATE(2024, 2, 29)) = 29"
    ),
    "days": (
        "CAST(CAST(august AS TIMESTAMP) + INTERVAL '15552000' SECOND AS DATE) = DATE '2025-02-27'"
        " AND CAST(FLOOR(EPOCH(before_epoch) / 86400) AS BIGINT) = -1"
        " AND CAST(TO_TIMESTAMP(86399) AS DATE) = DATE '1970-01-01' AND CAST(last_instant AS DATE) = august"
    ),
    "zones": (
        "CAST(TIMEZONE('Asia/Shanghai', TIMEZONE('UTC', evening)) AS DATE) = DATE '2024-09-01'"
        " AND TIMEZONE('Europe/Madrid', TIMEZONE('UTC', TIMESTAMP '2024-03-31 01:30:00')) = TIMESTAMP '2024-03-31 03:30:00'"
        " AND CAST(CAST(evening AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP) = evening"
    ),
    "nulls": (
        "(nothing IN ('a')) IS NULL AND (word IN ('x', nothing)) IS NULL AND NOT COALESCE(nothing IN ('a'), FALSE)"
        " AND REGEXP_MATCHES(nothing, 'a', 's') IS NULL AND NULLIF(word, word) IS NULL AND COALESCE(nothing, word) = word"
        " AND (nothing IS NOT DISTINCT FROM NULL) AND (word || nothing) IS NULL"
        " AND LIST_EXTRACT([1, 2], thirteen) IS NULL AND LIST_EXTRACT([1, 2], thirteen - 11) = 2"
    ),
    "the order of texts": "word > 'B' AND '\u00a1' < '\u3000' AND '\u674e' >= '\u3001' AND '~' < '\u00a0' AND word <> 'A'",
    "patterns": (
        "REGEXP_MATCHES(blanks, '^[\\x09-\\x0d \u00a0\u3000]+\\z', 's') AND NOT REGEXP_MATCHES(word || CHR(10), 'a\\z', 's')"
        " AND REGEXP_REPLACE('-a-b-', '[^a-z0-9]+', '', 'g') = 'ab' AND LEN(STR_SPLIT('a,,b', ',')) = 3"
    ),
    "letters": (
        "TRANSLATE(letters, 'AZ', 'az') = 'az\u0130\u212a' AND LOWER('AZ_') = 'az_' AND UPPER('az_') = 'AZ_'"
        " AND BIT_LENGTH(letters) = 56 AND LENGTH(letters) = 4 AND SUBSTRING(word, 1, 1) = word"
    ),
    "parts of texts and times": (
        "STRPOS('xyxya', word) = 5 AND STRPOS('xy', word) = 0 AND REPLACE('banana', word, '') = 'bnn'"
        " AND REGEXP_EXTRACT('x=12&y', '=([0-9]+)', 1) = '12' AND REGEXP_EXTRACT(word, '([0-9]+)', 1) = ''"
        " AND DATE_TRUNC('second', last_instant) = TIMESTAMP '2024-08-31 23:59:59'"
    ),
    "digests": (
        "MD5('abc') = '900150983cd24fb0d6963f7d28e17f72' AND SHA1('abc') = 'a9993e364706816aba3e25717850c26c9cd0d89d'"
        " AND SHA256('abc') = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'"
    ),
}

_ROW = """(
    SELECT 13 AS thirteen, DATE '2024-08-31' AS august, TIMESTAMP '1969-12-31 23:00:00' AS before_epoch,
        TIMESTAMP '2024-08-31 23:59:59.999999' AS last_instant, TIMESTAMP '2024-08-31 18:00:00' AS evening,
        CAST(NULL AS VARCHAR) AS nothing, 'a' AS word, 'AZ\u0130\u212a' AS letters,
        CHR(9) || CHR(11) || CHR(12) || CHR(13) || ' \u00a0\u3000' AS blanks
    FROM RANGE(1)
)"""

#: One row, with a column for each of TRAPS.
QUERY = f"SELECT {', '.join(f'({holds})' for holds in TRAPS.values())} FROM {_ROW}"
