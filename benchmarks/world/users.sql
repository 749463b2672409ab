SELECT user_key(i) AS user_id,
       CASE WHEN is_anonymised(i) THEN 'anonymised' WHEN kind(i) IN ('tester', 'dormant') THEN 'active' ELSE kind(i) END AS status,
       ago(start(i)) AS created_at,
       CASE WHEN is_deleted(i) OR is_purged(i) THEN ago(stop(i) + 0.01) END AS deletion_requested_at,
       CASE WHEN is_deleted(i) OR is_purged(i) THEN ago(stop(i)) WHEN was_restored(i) THEN ago(160) END AS deleted_at,
       CASE WHEN was_restored(i) THEN ago(140) END AS restored_at,
       CASE WHEN was_restored(i) THEN if(chance(i, 26) < 0.05, 'system', 'user') END AS restored_by,
       CASE WHEN is_purged(i) THEN (date_trunc('day', ago(stop(i)) AT TIME ZONE 'UTC') + INTERVAL 6 MONTH + INTERVAL 10 HOUR) AT TIME ZONE 'UTC' END AS purged_at,
       CASE WHEN NOT is_purged(i) THEN ago(stop(i)) END AS last_contact_at,
       CASE WHEN NOT is_purged(i) THEN ago(stop(i)) END AS last_interactive_at,
       CASE WHEN NOT is_purged(i) AND NOT is_deleted(i) AND chance(i, 10) > 0.002 THEN
           pick(['Ada', 'Bora', 'Can', 'Deniz', 'Elif', 'Femi', 'Gita', 'Hugo', 'Ines', 'Jun', 'Kofi', 'Lena', 'Mei', 'Nadia', 'Omar'], chance(i, 11)) || ' ' ||
           pick(['Aydin', 'Bakker', 'Costa', 'Demir', 'Eriksen', 'Fischer', 'Garcia', 'Huang', 'Ivanov', 'Jansen', 'Kaya', 'Lopez'], chance(i, 12)) END AS display_name,
       CASE WHEN NOT is_purged(i) THEN 'person.' || i || '@mail.example' END AS email,
       CASE WHEN NOT is_purged(i) AND chance(i, 13) < 0.6 THEN '+99' || (1000000000 + i) END AS phone,
       CASE WHEN NOT is_purged(i) THEN pick(['f', 'm', 'x'], chance(i, 14)) END AS gender,
       CASE WHEN NOT is_purged(i) AND chance(i, 15) > 0.002 THEN (ago(start(i)) AT TIME ZONE 'UTC')::DATE
           - if(is_young(i), 5850 + floor(chance(i, 16) * 700), 6600 + floor(chance(i, 16) * 15000))::INTEGER END AS birth_date,
       CASE region(i) WHEN 'EEA' THEN 'NL' WHEN 'UK' THEN 'GB' WHEN 'US-CA' THEN 'US' WHEN 'OTHER' THEN 'BR' ELSE region(i) END AS country,
       CASE region(i) WHEN 'EEA' THEN 'Utrecht' WHEN 'UK' THEN 'Leeds' WHEN 'TR' THEN 'Izmir' WHEN 'US-CA' THEN 'Fresno' WHEN 'CN' THEN 'Chengdu' ELSE 'Recife' END AS city,
       CASE WHEN chance(i, 17) < 0.002 THEN 'gps' ELSE 'ip' END AS geo_source,
       region(i) AS law_region,
       CASE WHEN is_deleted(i) OR is_purged(i) THEN 'hidden' WHEN is_young(i) THEN 'private' ELSE pick(['public', 'friends', 'private'], chance(i, 18)) END AS profile_visibility,
       CASE WHEN is_purged(i) THEN NULL WHEN chance(i, 19) < 0.002 THEN 'md5' WHEN chance(i, 19) < 0.8 THEN 'argon2id' ELSE 'sso' END AS credential_format,
       i % 200 = 17 AS is_test,
       to_marketing(i) AND channel(i) = 'push' AND (NOT took_back(i) OR agreed_again(i)) AS marketing_push,
       to_marketing(i) AND channel(i) = 'email' AND (NOT took_back(i) OR agreed_again(i)) AS marketing_email,
       to_marketing(i) AND channel(i) = 'sms' AND (NOT took_back(i) OR agreed_again(i)) AS marketing_sms
FROM range($first, $last) AS people(i)
