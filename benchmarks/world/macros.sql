-- What the tables' SELECTs have in common. Everything follows from a person's number `i`, so that each table is made on its own, as a
-- stream: no join, nothing is sorted, nothing is kept. $seed is replaced; the instant of the snapshot is 2025-03-31T12:00:00Z.

-- a number in [0, 1) that belongs to the number and the question `k`
CREATE MACRO chance(i, k) AS (hash(i, k, $seed) >> 32)::DOUBLE / 4294967296;
CREATE MACRO pick(choices, x) AS choices[1 + floor(x * len(choices))::INTEGER];
-- so many days before the snapshot, to the second
CREATE MACRO ago(days) AS make_timestamptz(1743422400000000 - floor(days * 86400)::BIGINT * 1000000);
CREATE MACRO user_key(i) AS 'u' || (100000000 + i);
CREATE MACRO device_key(i) AS 'd' || (100000000 + i);

CREATE MACRO kind(i) AS CASE WHEN i % 200 = 17 THEN 'tester' WHEN chance(i, 0) < 0.005 THEN 'dormant' WHEN chance(i, 0) < 0.03 THEN 'deleted'
    WHEN chance(i, 0) < 0.04 THEN 'purged' WHEN chance(i, 0) < 0.05 THEN 'suspended' WHEN chance(i, 0) < 0.055 THEN 'banned' ELSE 'active' END;
-- days since the registration, and since the person was last seen (a deleted one: since the deletion)
CREATE MACRO start(i) AS CASE WHEN chance(i, 0) >= 0.04 OR i % 200 = 17 THEN 20 + chance(i, 1) * 1480
    WHEN chance(i, 0) < 0.005 THEN 2200 + chance(i, 1) * 500 ELSE 500 + chance(i, 1) * 1000 END;
CREATE MACRO stop(i) AS CASE WHEN chance(i, 0) >= 0.04 OR i % 200 = 17 THEN chance(i, 2) * 18
    WHEN chance(i, 0) < 0.005 THEN 1900 + chance(i, 2) * 200
    WHEN chance(i, 0) < 0.03 THEN CASE WHEN chance(i, 3) < 0.02 THEN 190 + chance(i, 2) * 100 ELSE 5 + chance(i, 2) * 170 END
    ELSE 200 + chance(i, 2) * 250 END;
CREATE MACRO is_purged(i) AS i % 200 <> 17 AND chance(i, 0) >= 0.03 AND chance(i, 0) < 0.04;
CREATE MACRO is_deleted(i) AS i % 200 <> 17 AND chance(i, 0) >= 0.005 AND chance(i, 0) < 0.03;
CREATE MACRO is_active(i) AS i % 200 = 17 OR chance(i, 0) >= 0.055;
-- whose rows of the last half year there are: neither purged nor long away
CREATE MACRO is_recent(i) AS i % 200 = 17 OR chance(i, 0) >= 0.04 OR (chance(i, 0) >= 0.005 AND chance(i, 0) < 0.03 AND stop(i) < 170);
-- a moment of the person's life, at most so many days before the snapshot, and an hour after the registration at the earliest
CREATE MACRO moment(i, x, longest) AS stop(i) + x * (least(start(i) - 0.05, longest) - stop(i));

CREATE MACRO region(i) AS pick(['EEA', 'UK', 'TR', 'US-CA', 'CN', 'OTHER'], chance(i, 4) ** 1.5);
CREATE MACRO platform(i) AS ['android', 'android', 'ios', 'web'][1 + i % 4];
CREATE MACRO channel(i) AS CASE WHEN i % 4 = 3 OR i % 3 = 0 THEN 'email' WHEN i % 3 = 1 THEN 'push' ELSE 'sms' END;
-- who agreed to what
CREATE MACRO is_young(i) AS chance(i, 23) < 0.03 AND region(i) <> 'TR';
CREATE MACRO to_marketing(i) AS chance(i, 5) < 0.6 AND NOT is_young(i);
-- some took it back, and half of these agreed again later
CREATE MACRO took_back(i) AS to_marketing(i) AND chance(i, 31) < 0.05;
CREATE MACRO agreed_again(i) AS took_back(i) AND chance(i, 31) < 0.025;
CREATE MACRO to_media(i) AS chance(i, 6) < 0.4;
CREATE MACRO to_ads(i) AS chance(i, 7) < 0.1 AND NOT is_young(i);
CREATE MACRO has_special(i) AS chance(i, 8) < 0.05;
CREATE MACRO special_visibility(i) AS pick(['private', 'friends', 'public'], chance(i, 9));
CREATE MACRO was_restored(i) AS i % 200 <> 17 AND chance(i, 0) >= 0.055 AND chance(i, 25) < 0.005 AND start(i) > 200;
CREATE MACRO is_anonymised(i) AS is_purged(i) AND chance(i, 24) < 0.3;
-- phones with an advertising id: where the law asks for no choice, or of people who agreed
CREATE MACRO has_ad_id(i) AS i % 4 < 3 AND NOT is_deleted(i) AND NOT is_purged(i) AND NOT is_young(i)
    AND (to_ads(i) OR (region(i) IN ('OTHER', 'US-CA') AND chance(i, 122) < 0.3));
