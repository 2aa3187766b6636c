-- +goose Up
CREATE TABLE IF NOT EXISTS stop_versions_rows (
    stop_id String COMMENT 'the stop',
    version UInt32 COMMENT 'from 1 on, one for each step',
    case_id String COMMENT 'its case',
    state LowCardinality(String) COMMENT 'that this step led to',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'of the step',
    by String COMMENT 'who took it',
    reason String COMMENT 'why, as it was given',
    bank LowCardinality(String) COMMENT 'code of the bank that holds; with version 1',
    account String COMMENT 'that is stopped; with version 1',
    amount Int64 COMMENT 'asked for, minor units; with version 1',
    currency LowCardinality(String) COMMENT 'ISO 4217; with version 1',
    transfer_at DateTime64(3, 'Asia/Shanghai') COMMENT 'of the payment that brought the money; with version 1',
    fraud_type LowCardinality(String) COMMENT 'with version 1',
    district LowCardinality(String) COMMENT 'GB/T 2260; with version 1',
    pattern LowCardinality(String) COMMENT 'that asked for it; with version 1',
    hop UInt8 COMMENT 'accounts from the one that the victim paid, which is 1; with version 1',
    held Int64 COMMENT 'held after this version, minor units',
    effective_at DateTime64(3, 'Asia/Shanghai') COMMENT 'since when the bank holds; with its answer',
    document String COMMENT 'the entry of the ledger, JSON' CODEC(ZSTD(3)),
    rank UInt64 COMMENT 'which row of a version counts, the highest: it falls along the log, so that the first is kept',
    returned Int64 COMMENT 'paid back to victims so far, minor units',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written'
) ENGINE = ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(at)
ORDER BY (stop_id, version)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, ttl_only_drop_parts = 1
COMMENT 'Every version of every stop that the ledger accepted. Ask the view stop_versions.';

INSERT INTO stop_versions_rows (
    stop_id, version, case_id, state, at, by, reason, bank, account, amount, currency, transfer_at, fraud_type,
    district, pattern, hop, held, effective_at, document, rank, returned)
SELECT
    stop_id, version, case_id, state, at, by, reason, bank, account, amount, currency, transfer_at, fraud_type,
    district, pattern, hop, held, effective_at, document, rank, returned
FROM stops FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE stops;

CREATE VIEW IF NOT EXISTS stop_versions (
    stop_id String COMMENT 'the stop',
    version UInt32 COMMENT 'from 1 on, one for each step',
    case_id String COMMENT 'its case',
    state LowCardinality(String) COMMENT 'that this step led to',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'of the step',
    by String COMMENT 'who took it',
    reason String COMMENT 'why, as it was given',
    bank LowCardinality(String) COMMENT 'code of the bank that holds; with version 1',
    account String COMMENT 'that is stopped; with version 1',
    amount Int64 COMMENT 'asked for, minor units; with version 1',
    currency LowCardinality(String) COMMENT 'ISO 4217; with version 1',
    transfer_at DateTime64(3, 'Asia/Shanghai') COMMENT 'of the payment that brought the money; with version 1',
    fraud_type LowCardinality(String) COMMENT 'with version 1',
    district LowCardinality(String) COMMENT 'GB/T 2260; with version 1',
    pattern LowCardinality(String) COMMENT 'that asked for it; with version 1',
    hop UInt8 COMMENT 'accounts from the one that the victim paid, which is 1; with version 1',
    held Int64 COMMENT 'held after this version, minor units',
    effective_at DateTime64(3, 'Asia/Shanghai') COMMENT 'since when the bank holds; with its answer',
    document String COMMENT 'the entry of the ledger, JSON',
    returned Int64 COMMENT 'paid back to victims so far, minor units'
) AS SELECT
    stop_id, version, case_id, state, at, by, reason, bank, account, amount, currency, transfer_at, fraud_type,
    district, pattern, hop, held, effective_at, document, returned
FROM stop_versions_rows FINAL
COMMENT 'Every version of every stop: do not add amounts up over versions, the view stops has each stop once.';

-- +goose Down
DROP VIEW stop_versions;

CREATE TABLE IF NOT EXISTS stops (
    stop_id String,
    version UInt32,
    case_id String,
    state LowCardinality(String),
    at DateTime64(3, 'Asia/Shanghai'),
    by String,
    reason String,
    bank LowCardinality(String),
    account String,
    amount Int64 COMMENT 'asked for, minor units; with version 1',
    currency LowCardinality(String),
    transfer_at DateTime64(3, 'Asia/Shanghai'),
    fraud_type LowCardinality(String),
    district LowCardinality(String),
    pattern LowCardinality(String),
    hop UInt8,
    held Int64 COMMENT 'held after this version, minor units',
    effective_at DateTime64(3, 'Asia/Shanghai'),
    document String CODEC(ZSTD(3)),
    rank UInt64 COMMENT 'falls along the log, so that the first of a version is kept',
    returned Int64 COMMENT 'paid back to victims so far, minor units'
) ENGINE = ReplacingMergeTree(rank)
ORDER BY (stop_id, version);

INSERT INTO stops (
    stop_id, version, case_id, state, at, by, reason, bank, account, amount, currency, transfer_at, fraud_type,
    district, pattern, hop, held, effective_at, document, rank, returned)
SELECT
    stop_id, version, case_id, state, at, by, reason, bank, account, amount, currency, transfer_at, fraud_type,
    district, pattern, hop, held, effective_at, document, rank, returned
FROM stop_versions_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE stop_versions_rows;
