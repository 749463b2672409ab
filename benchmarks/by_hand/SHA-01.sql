-- Vendors of the register, and those that something was disclosed to commercially, whom the policy does not name.
WITH named(code, key) AS (VALUES $vendor_keys),
register AS (
    SELECT vendor_id, any_value(name) AS name, any_value(category) AS category, any_value(n.code) AS code,
           count(DISTINCT a.code) AS codes, any_value(a.code) AS by_alias
    FROM (SELECT vendor_id, name, category, unnest(CASE WHEN len(aliases) > 0 THEN aliases ELSE [NULL] END) AS alias FROM vendors WHERE says(vendor_id)) v
    LEFT JOIN named n ON n.key = regexp_replace(lower(v.name), '[^a-z0-9]+', '', 'g')
    LEFT JOIN named a ON a.key = regexp_replace(lower(v.alias), '[^a-z0-9]+', '', 'g')
    GROUP BY vendor_id
),
receivers AS (
    SELECT vendor_id, bool_or(kind IS NULL OR kind NOT IN ('legal', 'corporate')) AS commercial FROM disclosures WHERE says(vendor_id) GROUP BY vendor_id
),
judged AS (
    SELECT coalesce(r.vendor_id, d.vendor_id) AS vendor_id, CASE WHEN r.vendor_id IS NULL THEN 'unknown:vendor_not_registered'
        WHEN code IS NULL AND codes > 1 THEN 'unknown:vendor_ambiguous' WHEN code IS NOT NULL OR codes = 1 THEN NULL
        WHEN NOT says(name) THEN 'unknown:vendor_name_missing' WHEN NOT says(category) THEN 'unknown:category_missing'
        WHEN category IN ('hosting', 'support', 'payment', 'security', 'anti_fraud') THEN 'review:declared_by_category_only'
        ELSE 'violation:undeclared_recipient' END AS why
    FROM register r FULL JOIN receivers d ON d.vendor_id = r.vendor_id
    WHERE commercial IS NOT FALSE
)
SELECT 'vendors:' || vendor_id AS record, NULL::VARCHAR AS subject, split_part(why, ':', 1) AS outcome, split_part(why, ':', 2) AS reason, vendor_id
FROM judged WHERE why IS NOT NULL
-- population: SELECT count(*) FROM (SELECT DISTINCT vendor_id FROM vendors WHERE says(vendor_id)) r FULL JOIN (SELECT vendor_id, bool_or(kind IS NULL OR kind NOT IN ('legal', 'corporate')) AS commercial FROM disclosures WHERE says(vendor_id) GROUP BY ALL) d USING (vendor_id) WHERE commercial IS NOT FALSE
