-- Passwords that are kept otherwise than as a slow hash.
SELECT 'users:' || user_id AS record, user_id AS subject, CASE WHEN is_test THEN 'excluded' ELSE split_part(why, ':', 1) END AS outcome,
       CASE WHEN is_test THEN 'test_account' ELSE split_part(why, ':', 2) END AS reason,
       CASE WHEN regexp_matches(label, '^(bcrypt|scrypt|argon2|pbkdf2|yescrypt|sha256crypt|sha512crypt)') THEN 'slow hash' WHEN why LIKE '%fast_hash' THEN 'fast hash'
            WHEN why LIKE '%clear%' THEN 'readable' ELSE 'not recognised' END AS kept_as
FROM (
    SELECT user_id, is_test, label, CASE WHEN NOT says(credential_format) THEN 'unknown:format_missing'
        WHEN regexp_matches(label, '^(bcrypt|scrypt|argon2|pbkdf2|yescrypt|sha256crypt|sha512crypt)') THEN NULL
        WHEN regexp_matches(label, '^(md5|sha|ntlm|crc|des|mysql)') THEN 'violation:fast_hash'
        WHEN regexp_matches(label, '^(plain|clear|base64|rot13|reversible|aes|encrypted)') THEN 'violation:clear_or_reversible'
        ELSE 'review:format_unrecognised' END AS why
    FROM (SELECT user_id, is_test, credential_format, regexp_replace(lower(credential_format), '[^a-z0-9]+', '', 'g') AS label FROM users
          WHERE status NOT IN ('purged', 'anonymised'))
    WHERE label IS NULL OR label NOT IN ('none', 'sso', 'oauth', 'social', 'passwordless', 'otp')
)
WHERE is_test OR why IS NOT NULL
-- population: SELECT count(*) FROM users WHERE status NOT IN ('purged', 'anonymised') AND (credential_format IS NULL OR regexp_replace(lower(credential_format), '[^a-z0-9]+', '', 'g') NOT IN ('none', 'sso', 'oauth', 'social', 'passwordless', 'otp'))
