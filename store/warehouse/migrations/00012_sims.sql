-- +goose Up
CREATE TABLE IF NOT EXISTS sims_rows (
    id String COMMENT 'as the carrier names it',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it was done',
    number String COMMENT 'E.164',
    change LowCardinality(String) COMMENT 'activated, swapped, ported, forwarding_on, forwarding_off, suspended',
    rank UInt64 COMMENT 'which row of a key counts, the highest: the first of the log',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written'
) ENGINE = ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(at)
ORDER BY (number, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, ttl_only_drop_parts = 1
COMMENT 'Changes of SIM cards and of forwarding, as carriers reported them. Ask the view sims.';

INSERT INTO sims_rows (
    id, at, number, change, rank)
SELECT
    id, at, number, change, 0
FROM sims FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE sims;

CREATE VIEW IF NOT EXISTS sims (
    id String COMMENT 'as the carrier names it',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it was done',
    number String COMMENT 'E.164',
    change LowCardinality(String) COMMENT 'activated, swapped, ported, forwarding_on, forwarding_off, suspended'
) AS SELECT
    id, at, number, change
FROM sims_rows FINAL
COMMENT 'Changes of SIM cards and of forwarding, each once.';

-- +goose Down
DROP VIEW sims;

CREATE TABLE IF NOT EXISTS sims (
    id String,
    at DateTime64(3, 'Asia/Shanghai'),
    number String,
    change LowCardinality(String)
) ENGINE = ReplacingMergeTree
ORDER BY (number, id);

INSERT INTO sims (
    id, at, number, change)
SELECT
    id, at, number, change
FROM sims_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE sims_rows;
