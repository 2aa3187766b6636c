-- +goose Up
CREATE TABLE IF NOT EXISTS stops_rows (
    stop_id String COMMENT 'the stop',
    version UInt32 COMMENT 'the last one',
    day Date COMMENT 'on which it was proposed',
    proposed_at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it was proposed',
    case_id String COMMENT 'its case',
    first UInt8 COMMENT '1: the first stop of its case',
    bank LowCardinality(String) COMMENT 'code of the bank that is asked',
    district LowCardinality(String) COMMENT 'GB/T 2260; empty where none',
    fraud_type LowCardinality(String) COMMENT 'of the case',
    pattern LowCardinality(String) COMMENT 'that asked for it; empty where a person or a report did',
    hop UInt8 COMMENT 'accounts from the one that the victim paid, which is 1',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    state LowCardinality(String) COMMENT 'where it is now',
    result LowCardinality(String) COMMENT 'what the bank answered first',
    amount Int64 COMMENT 'asked for, minor units',
    held Int64 COMMENT 'the most that was ever held, minor units',
    under_control Int64 COMMENT 'held or frozen now, minor units',
    frozen Int64 COMMENT 'of held, once it was frozen, minor units',
    returned Int64 COMMENT 'paid back to victims, minor units',
    released Int64 COMMENT 'let go, minor units',
    lapsed Int64 COMMENT 'held until the term ended with nobody acting, minor units',
    appealed UInt8 COMMENT '1: something was released',
    transfer_at DateTime64(3, 'Asia/Shanghai') COMMENT 'of the payment that brought the money',
    requested_at DateTime64(3, 'Asia/Shanghai') COMMENT 'when the bank was asked; 1970 where it was not',
    answered_at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it answered; 1970 where it did not',
    effective_at DateTime64(3, 'Asia/Shanghai') COMMENT 'since when it holds; 1970 where it does not',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written'
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (day, stop_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, ttl_only_drop_parts = 1
COMMENT 'A stop as it is now, a row for each time that it changed. Ask the view stops.';

INSERT INTO stops_rows (
    stop_id, version, day, proposed_at, case_id, first, bank, district, fraud_type, pattern, hop, currency,
    state, result, amount, held, under_control, frozen, returned, released, lapsed, appealed, transfer_at,
    requested_at, answered_at, effective_at)
SELECT
    stop_id, version, day, proposed_at, case_id, first, bank, district, fraud_type, pattern, hop, currency,
    state, result, amount, held, under_control, frozen, returned, released, lapsed, appealed, transfer_at,
    requested_at, answered_at, effective_at
FROM stop_facts FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE stop_facts;

CREATE VIEW IF NOT EXISTS stops (
    stop_id String COMMENT 'the stop',
    version UInt32 COMMENT 'the last one',
    day Date COMMENT 'on which it was proposed',
    proposed_at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it was proposed',
    case_id String COMMENT 'its case',
    first UInt8 COMMENT '1: the first stop of its case',
    bank LowCardinality(String) COMMENT 'code of the bank that is asked',
    district LowCardinality(String) COMMENT 'GB/T 2260; empty where none',
    fraud_type LowCardinality(String) COMMENT 'of the case',
    pattern LowCardinality(String) COMMENT 'that asked for it; empty where a person or a report did',
    hop UInt8 COMMENT 'accounts from the one that the victim paid, which is 1',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    state LowCardinality(String) COMMENT 'where it is now',
    result LowCardinality(String) COMMENT 'what the bank answered first',
    amount Int64 COMMENT 'asked for, minor units',
    held Int64 COMMENT 'the most that was ever held, minor units',
    under_control Int64 COMMENT 'held or frozen now, minor units',
    frozen Int64 COMMENT 'of held, once it was frozen, minor units',
    returned Int64 COMMENT 'paid back to victims, minor units',
    released Int64 COMMENT 'let go, minor units',
    lapsed Int64 COMMENT 'held until the term ended with nobody acting, minor units',
    appealed UInt8 COMMENT '1: something was released',
    transfer_at DateTime64(3, 'Asia/Shanghai') COMMENT 'of the payment that brought the money',
    requested_at DateTime64(3, 'Asia/Shanghai') COMMENT 'when the bank was asked; 1970 where it was not',
    answered_at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it answered; 1970 where it did not',
    effective_at DateTime64(3, 'Asia/Shanghai') COMMENT 'since when it holds; 1970 where it does not'
) AS SELECT
    stop_id, version, day, proposed_at, case_id, first, bank, district, fraud_type, pattern, hop, currency,
    state, result, amount, held, under_control, frozen, returned, released, lapsed, appealed, transfer_at,
    requested_at, answered_at, effective_at
FROM stops_rows FINAL
COMMENT 'Stops as they are now, each once.';

-- +goose Down
DROP VIEW stops;

CREATE TABLE IF NOT EXISTS stop_facts (
    stop_id String,
    version UInt32,
    day Date COMMENT 'on which it was proposed',
    proposed_at DateTime64(3, 'Asia/Shanghai'),
    case_id String,
    first UInt8 COMMENT 'the first stop of its case',
    bank LowCardinality(String),
    district LowCardinality(String),
    fraud_type LowCardinality(String),
    pattern LowCardinality(String),
    hop UInt8,
    currency LowCardinality(String),
    state LowCardinality(String),
    result LowCardinality(String) COMMENT 'what the bank answered first',
    amount Int64 COMMENT 'asked for, minor units',
    held Int64 COMMENT 'the most that was ever held',
    under_control Int64 COMMENT 'held or frozen now',
    frozen Int64 COMMENT 'of held, once it was frozen',
    returned Int64,
    released Int64,
    lapsed Int64 COMMENT 'held until the term ended with nobody acting',
    appealed UInt8,
    transfer_at DateTime64(3, 'Asia/Shanghai'),
    requested_at DateTime64(3, 'Asia/Shanghai') COMMENT '1970 where it was not',
    answered_at DateTime64(3, 'Asia/Shanghai'),
    effective_at DateTime64(3, 'Asia/Shanghai')
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (day, stop_id);

INSERT INTO stop_facts (
    stop_id, version, day, proposed_at, case_id, first, bank, district, fraud_type, pattern, hop, currency,
    state, result, amount, held, under_control, frozen, returned, released, lapsed, appealed, transfer_at,
    requested_at, answered_at, effective_at)
SELECT
    stop_id, version, day, proposed_at, case_id, first, bank, district, fraud_type, pattern, hop, currency,
    state, result, amount, held, under_control, frozen, returned, released, lapsed, appealed, transfer_at,
    requested_at, answered_at, effective_at
FROM stops_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE stops_rows;
