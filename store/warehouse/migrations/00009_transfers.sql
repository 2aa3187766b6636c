-- +goose Up
-- The books as centers need them, a table in each file, so that one that was interrupted goes on where it was: parts by
-- month, rows that are on the disk once they are acknowledged, which row of a key counts by its place in the log, words
-- for every column, and for people a view that has each thing once. What lies here already counts as the last of the
-- log: what Kafka still has of it is written anew.
CREATE TABLE IF NOT EXISTS transfer_conflicts_rows (
    payer_account String COMMENT 'that pays',
    id String COMMENT 'of the transfer',
    payee_account String COMMENT 'that the repeat names',
    amount Int64 COMMENT 'of the repeat, minor units',
    currency LowCardinality(String) COMMENT 'of the repeat, ISO 4217',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when the money moves, by the repeat',
    source String COMMENT 'topic/partition:offset of the repeat',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written'
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (payer_account, id, payee_account, amount, currency)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, ttl_only_drop_parts = 1
COMMENT 'Repeats of a transfer that scoring refused, since they say something else than the first. Ask the view transfer_conflicts.';

CREATE TABLE IF NOT EXISTS transfers_rows (
    id String COMMENT 'as the bank names it; unique with the account that pays',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when the money moves',
    payer_account String COMMENT 'that pays',
    payer_bank LowCardinality(String) COMMENT 'code of its bank',
    payer_holder String COMMENT 'name of its holder; empty where not given',
    payer_phone String COMMENT 'number of the person who pays, E.164; empty where not given',
    payee_account String COMMENT 'that is paid; empty for cash',
    payee_bank LowCardinality(String) COMMENT 'code of its bank',
    payee_holder String COMMENT 'name of its holder; empty where not given',
    amount Int64 COMMENT 'minor units',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    channel LowCardinality(String) COMMENT 'mobile, web, counter, atm, pos, api, cash',
    status UInt8 COMMENT '1 initiated, 2 posted, 3 reversed: the furthest',
    payer_balance Int64 COMMENT 'before it, minor units; -1 where not given',
    payee_balance Int64 COMMENT 'before it, minor units; -1 where not given',
    device String COMMENT 'that it was ordered from; empty where not given',
    purpose String COMMENT 'as the payer wrote it',
    district LowCardinality(String) COMMENT 'GB/T 2260; empty where none',
    rank UInt64 COMMENT 'which row of a key counts, the highest: the furthest state of it, and of those alike the first of the log',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written',
    INDEX transfer_id id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX phone payer_phone TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX payer_name payer_holder TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX payee_name payee_holder TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX payee payee_account TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(at)
ORDER BY (payer_account, id, payee_account, amount, currency)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, ttl_only_drop_parts = 1
COMMENT 'What banks said of transfers: a row for each transfer, and one for each repeat of it that says another payee, amount or currency. Ask the view transfers.';

INSERT INTO transfers_rows (
    id, at, payer_account, payer_bank, payer_holder, payer_phone, payee_account, payee_bank, payee_holder,
    amount, currency, channel, status, payer_balance, payee_balance, device, purpose, district, rank)
SELECT
    id, at, payer_account, payer_bank, payer_holder, payer_phone, payee_account, payee_bank, payee_holder,
    amount, currency, channel, status, payer_balance, payee_balance, device, purpose, district,
    toUInt64(bitShiftLeft(toUInt64(status), 56))
FROM transfers FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE transfers;

CREATE VIEW IF NOT EXISTS transfer_conflicts (
    payer_account String COMMENT 'that pays',
    id String COMMENT 'of the transfer',
    payee_account String COMMENT 'that the repeat names',
    amount Int64 COMMENT 'of the repeat, minor units',
    currency LowCardinality(String) COMMENT 'of the repeat, ISO 4217',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when the money moves, by the repeat',
    source String COMMENT 'topic/partition:offset of the repeat'
) AS SELECT
    payer_account, id, payee_account, amount, currency, at, source
FROM transfer_conflicts_rows FINAL
COMMENT 'Repeats of a transfer that say another payee, amount or currency than the first; they are dead letters, and not among the transfers.';

CREATE VIEW IF NOT EXISTS transfers (
    id String COMMENT 'as the bank names it; unique with the account that pays',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when the money moves',
    payer_account String COMMENT 'that pays',
    payer_bank LowCardinality(String) COMMENT 'code of its bank',
    payer_holder String COMMENT 'name of its holder; empty where not given',
    payer_phone String COMMENT 'number of the person who pays, E.164; empty where not given',
    payee_account String COMMENT 'that is paid; empty for cash',
    payee_bank LowCardinality(String) COMMENT 'code of its bank',
    payee_holder String COMMENT 'name of its holder; empty where not given',
    amount Int64 COMMENT 'minor units',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    channel LowCardinality(String) COMMENT 'mobile, web, counter, atm, pos, api, cash',
    status UInt8 COMMENT '1 initiated, 2 posted, 3 reversed: the furthest',
    payer_balance Int64 COMMENT 'before it, minor units; -1 where not given',
    payee_balance Int64 COMMENT 'before it, minor units; -1 where not given',
    device String COMMENT 'that it was ordered from; empty where not given',
    purpose String COMMENT 'as the payer wrote it',
    district LowCardinality(String) COMMENT 'GB/T 2260; empty where none'
) AS SELECT
    id, at, payer_account, payer_bank, payer_holder, payer_phone, payee_account, payee_bank, payee_holder,
    amount, currency, channel, status, payer_balance, payee_balance, device, purpose, district
FROM transfers_rows FINAL
WHERE (payer_account, id, payee_account, amount, currency) NOT IN (
    SELECT payer_account, id, payee_account, amount, currency FROM transfer_conflicts_rows)
COMMENT 'Transfers, each once, with the furthest status that its bank reported. A repeat that says something else than the first is in transfer_conflicts.';

-- +goose Down
DROP VIEW transfers;

DROP VIEW transfer_conflicts;

CREATE TABLE IF NOT EXISTS transfers (
    id String,
    at DateTime64(3, 'Asia/Shanghai'),
    payer_account String,
    payer_bank LowCardinality(String),
    payer_holder String,
    payer_phone String,
    payee_account String,
    payee_bank LowCardinality(String),
    payee_holder String,
    amount Int64 COMMENT 'minor units',
    currency LowCardinality(String),
    channel LowCardinality(String),
    status UInt8 COMMENT '1 initiated, 2 posted, 3 reversed: the furthest counts',
    payer_balance Int64 COMMENT 'minor units, -1 where not given',
    payee_balance Int64 COMMENT 'minor units, -1 where not given',
    device String,
    purpose String,
    district LowCardinality(String),
    INDEX transfer_id id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX phone payer_phone TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX payer_name payer_holder TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX payee_name payee_holder TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX payee payee_account TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = ReplacingMergeTree(status)
ORDER BY (payer_account, id);

INSERT INTO transfers (
    id, at, payer_account, payer_bank, payer_holder, payer_phone, payee_account, payee_bank, payee_holder,
    amount, currency, channel, status, payer_balance, payee_balance, device, purpose, district)
SELECT
    id, at, payer_account, payer_bank, payer_holder, payer_phone, payee_account, payee_bank, payee_holder,
    amount, currency, channel, status, payer_balance, payee_balance, device, purpose, district
FROM transfers_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE transfers_rows;

DROP TABLE transfer_conflicts_rows;
