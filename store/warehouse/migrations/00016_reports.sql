-- +goose Up
CREATE TABLE IF NOT EXISTS reports_rows (
    report_id String COMMENT 'as the hotline names it, with the hotline',
    case_id String COMMENT 'its case',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it was made',
    source LowCardinality(String) COMMENT '96110, 110, 12345, bank, grid, other',
    district LowCardinality(String) COMMENT 'GB/T 2260; empty where none',
    fraud_type LowCardinality(String) COMMENT 'as it was reported',
    amount Int64 COMMENT 'that it tells of, minor units',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    stops Array(String) COMMENT 'the stops of the transfers that the victim named',
    repeats UInt8 COMMENT '1: it brought nothing that others of its case had not',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written'
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (report_id, case_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, ttl_only_drop_parts = 1
COMMENT 'Reports of victims as the ledger noted them. Ask the view reports.';

INSERT INTO reports_rows (
    report_id, case_id, at, source, district, fraud_type, amount, currency, stops, repeats)
SELECT
    report_id, case_id, at, source, district, fraud_type, amount, currency, stops, repeats
FROM reports FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE reports;

CREATE VIEW IF NOT EXISTS reports (
    report_id String COMMENT 'as the hotline names it, with the hotline',
    case_id String COMMENT 'its case',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it was made',
    source LowCardinality(String) COMMENT '96110, 110, 12345, bank, grid, other',
    district LowCardinality(String) COMMENT 'GB/T 2260; empty where none',
    fraud_type LowCardinality(String) COMMENT 'as it was reported',
    amount Int64 COMMENT 'that it tells of, minor units',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    stops Array(String) COMMENT 'the stops of the transfers that the victim named',
    repeats UInt8 COMMENT '1: it brought nothing that others of its case had not'
) AS SELECT
    report_id, case_id, at, source, district, fraud_type, amount, currency, stops, repeats
FROM reports_rows FINAL
COMMENT 'Reports of victims, each once.';

-- +goose Down
DROP VIEW reports;

CREATE TABLE IF NOT EXISTS reports (
    report_id String,
    case_id String,
    at DateTime64(3, 'Asia/Shanghai'),
    source LowCardinality(String),
    district LowCardinality(String),
    fraud_type LowCardinality(String),
    amount Int64 COMMENT 'that it tells of, minor units',
    currency LowCardinality(String),
    stops Array(String) COMMENT 'the stops of the transfers that the victim named',
    repeats UInt8 COMMENT 'it brought nothing that others of its case had not'
) ENGINE = ReplacingMergeTree
ORDER BY (report_id, case_id);

INSERT INTO reports (
    report_id, case_id, at, source, district, fraud_type, amount, currency, stops, repeats)
SELECT
    report_id, case_id, at, source, district, fraud_type, amount, currency, stops, repeats
FROM reports_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE reports_rows;
