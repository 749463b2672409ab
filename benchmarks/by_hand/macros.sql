-- What several of the hand-written queries share. DuckDB writes a macro out where it is used, so that it costs nothing.
CREATE OR REPLACE TEMP MACRO says(text) AS coalesce(trim(text) <> '', false);
CREATE OR REPLACE TEMP MACRO months_later(day, months) AS (day + to_months(months))::DATE;
CREATE OR REPLACE TEMP MACRO age(born, day) AS year(day) - year(born) - ((month(day), day(day)) < (month(born), day(born)))::INTEGER;
CREATE OR REPLACE TEMP MACRO is_back(deleted_at, restored_at) AS coalesce(deleted_at <= restored_at AND restored_at <= $as_of, false);
-- the entries that may excuse a row, with what they cover as a list
CREATE OR REPLACE TEMP MACRO holds() AS TABLE
    SELECT user_id, string_split(regexp_replace(lower(trim(scope)), '\s*[,;]\s*', ';', 'g'), ';') AS scope, started_at::DATE AS started,
           CASE WHEN ended_at <= $as_of THEN ended_at::DATE + 30 END AS closing,
           greatest(started_at, CASE WHEN reviewed_at <= $as_of THEN reviewed_at END)::DATE > $review_limit AS fresh
    FROM retention_exceptions
    WHERE type IN ('legal_hold', 'dispute', 'statutory', 'fraud') AND says(owner) AND (says(reason_code) OR says(reference))
      AND started_at <= $as_of AND coalesce(ended_at >= started_at, true);
CREATE OR REPLACE TEMP MACRO testers() AS TABLE SELECT DISTINCT user_id, true AS excluded FROM users WHERE is_test;
-- rows whose time is missing belong to every period
CREATE OR REPLACE TEMP MACRO in_period(instant) AS coalesce(instant >= $period_start AND instant <= $as_of, true);
