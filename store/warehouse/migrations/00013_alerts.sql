-- +goose Up
CREATE TABLE IF NOT EXISTS alerts_rows (
    id String COMMENT 'of the alert; it follows from what caused it',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'of the payment, or of what was seen',
    entity String COMMENT 'acct:NUMBER or tel:E164 that it is about',
    score UInt16 COMMENT '0 to 1000',
    action LowCardinality(String) COMMENT 'stop, review, warn',
    fraud_type LowCardinality(String) COMMENT 'what it looks like',
    patterns Array(LowCardinality(String)) COMMENT 'that hit',
    stop_id String COMMENT 'that it asked for; empty where none',
    case_id String COMMENT 'that it belongs to; empty where none',
    district LowCardinality(String) COMMENT 'GB/T 2260; empty where none',
    document String COMMENT 'as scoring published it, JSON' CODEC(ZSTD(3)),
    subject_stop String COMMENT 'the stop that the transfer in question has or would have',
    catalogue LowCardinality(String) COMMENT 'version that raised it',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written',
    INDEX alert_id id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX alert_case case_id TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (at, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, ttl_only_drop_parts = 1
COMMENT 'Alerts as scoring published them. Ask the view alerts.';

INSERT INTO alerts_rows (
    id, at, entity, score, action, fraud_type, patterns, stop_id, case_id, district, document, subject_stop,
    catalogue)
SELECT
    id, at, entity, score, action, fraud_type, patterns, stop_id, case_id, district, document, subject_stop,
    catalogue
FROM alerts FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE alerts;

CREATE VIEW IF NOT EXISTS alerts (
    id String COMMENT 'of the alert; it follows from what caused it',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'of the payment, or of what was seen',
    entity String COMMENT 'acct:NUMBER or tel:E164 that it is about',
    score UInt16 COMMENT '0 to 1000',
    action LowCardinality(String) COMMENT 'stop, review, warn',
    fraud_type LowCardinality(String) COMMENT 'what it looks like',
    patterns Array(LowCardinality(String)) COMMENT 'that hit',
    stop_id String COMMENT 'that it asked for; empty where none',
    case_id String COMMENT 'that it belongs to; empty where none',
    district LowCardinality(String) COMMENT 'GB/T 2260; empty where none',
    document String COMMENT 'as scoring published it, JSON',
    subject_stop String COMMENT 'the stop that the transfer in question has or would have',
    catalogue LowCardinality(String) COMMENT 'version that raised it'
) AS SELECT
    id, at, entity, score, action, fraud_type, patterns, stop_id, case_id, district, document, subject_stop,
    catalogue
FROM alerts_rows FINAL
COMMENT 'Alerts, each once.';

-- +goose Down
DROP VIEW alerts;

CREATE TABLE IF NOT EXISTS alerts (
    id String,
    at DateTime64(3, 'Asia/Shanghai'),
    entity String,
    score UInt16,
    action LowCardinality(String),
    fraud_type LowCardinality(String),
    patterns Array(LowCardinality(String)),
    stop_id String,
    case_id String,
    district LowCardinality(String),
    document String CODEC(ZSTD(3)),
    subject_stop String COMMENT 'the stop that the transfer in question has or would have',
    catalogue LowCardinality(String) COMMENT 'version that raised it',
    INDEX alert_id id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX alert_case case_id TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = ReplacingMergeTree
ORDER BY (at, id);

INSERT INTO alerts (
    id, at, entity, score, action, fraud_type, patterns, stop_id, case_id, district, document, subject_stop,
    catalogue)
SELECT
    id, at, entity, score, action, fraud_type, patterns, stop_id, case_id, district, document, subject_stop,
    catalogue
FROM alerts_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE alerts_rows;
