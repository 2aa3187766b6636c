-- +goose Up
CREATE TABLE IF NOT EXISTS reported_payments_rows (
    case_id String COMMENT 'its case',
    report_id String COMMENT 'the report that brought it',
    position UInt16 COMMENT 'in that report',
    day Date COMMENT 'on which that report was made',
    paid_at DateTime64(3, 'Asia/Shanghai') COMMENT 'when the victim paid',
    district LowCardinality(String) COMMENT 'of that report',
    fraud_type LowCardinality(String) COMMENT 'of that report',
    payer String COMMENT 'account that paid',
    payee String COMMENT 'account that was paid',
    amount Int64 COMMENT 'minor units',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    stop_id String COMMENT 'of the payment',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written'
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (case_id, report_id, position)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, ttl_only_drop_parts = 1
COMMENT 'Payments that victims reported, as the ledger noted them. Ask the view reported_payments.';

INSERT INTO reported_payments_rows (
    case_id, report_id, position, day, paid_at, district, fraud_type, payer, payee, amount, currency, stop_id)
SELECT
    case_id, report_id, position, day, paid_at, district, fraud_type, payer, payee, amount, currency, stop_id
FROM reported_payments FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE reported_payments;

CREATE VIEW IF NOT EXISTS reported_payments (
    case_id String COMMENT 'its case',
    report_id String COMMENT 'the report that brought it',
    position UInt16 COMMENT 'in that report',
    day Date COMMENT 'on which that report was made',
    paid_at DateTime64(3, 'Asia/Shanghai') COMMENT 'when the victim paid',
    district LowCardinality(String) COMMENT 'of that report',
    fraud_type LowCardinality(String) COMMENT 'of that report',
    payer String COMMENT 'account that paid',
    payee String COMMENT 'account that was paid',
    amount Int64 COMMENT 'minor units',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    stop_id String COMMENT 'of the payment'
) AS SELECT
    case_id, report_id, position, day, paid_at, district, fraud_type, payer, payee, amount, currency, stop_id
FROM reported_payments_rows FINAL
COMMENT 'Payments that victims reported: each once in its case, however many hotlines were told of it.';

-- +goose Down
DROP VIEW reported_payments;

CREATE TABLE IF NOT EXISTS reported_payments (
    case_id String,
    report_id String COMMENT 'the report that brought it',
    position UInt16 COMMENT 'in that report',
    day Date COMMENT 'on which that report was made',
    paid_at DateTime64(3, 'Asia/Shanghai'),
    district LowCardinality(String) COMMENT 'of that report',
    fraud_type LowCardinality(String),
    payer String,
    payee String,
    amount Int64 COMMENT 'minor units',
    currency LowCardinality(String),
    stop_id String
) ENGINE = ReplacingMergeTree
ORDER BY (case_id, report_id, position);

INSERT INTO reported_payments (
    case_id, report_id, position, day, paid_at, district, fraud_type, payer, payee, amount, currency, stop_id)
SELECT
    case_id, report_id, position, day, paid_at, district, fraud_type, payer, payee, amount, currency, stop_id
FROM reported_payments_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE reported_payments_rows;
