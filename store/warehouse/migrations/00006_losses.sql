-- +goose Up
-- A payment that victims reported, once in its case, however many hotlines were
-- told of it: the ledger's fold decides which report brought it.
CREATE TABLE reported_payments (
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

-- A hotline may use one number for two reports, of two cases: both are kept.
CREATE TABLE reports_by_case (
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

INSERT INTO reports_by_case
SELECT report_id, case_id, at, source, district, fraud_type, amount, currency, stops, 0 FROM reports FINAL;

DROP TABLE reports;

RENAME TABLE reports_by_case TO reports;

ALTER TABLE report_days ADD COLUMN reports_repeated UInt64 COMMENT 'not among the reports' AFTER reports;

ALTER TABLE recovery_days ADD COLUMN unanswered UInt64 COMMENT 'requested, and no bank said what became of it' AFTER refused;

ALTER TABLE recovery_days ADD COLUMN amount_requested_first Int64 COMMENT 'of amount_requested, at the first hop' AFTER amount_requested;

-- Which form of the books a partition of the ledger's log is written in: those of
-- an older form, or of none, are written anew from the log.
CREATE TABLE book_forms (
    partition UInt16,
    form UInt16
) ENGINE = ReplacingMergeTree(form)
ORDER BY partition;

-- +goose Down
DROP TABLE book_forms;

ALTER TABLE recovery_days DROP COLUMN amount_requested_first;

ALTER TABLE recovery_days DROP COLUMN unanswered;

ALTER TABLE report_days DROP COLUMN reports_repeated;

CREATE TABLE reports_by_id (
    report_id String,
    case_id String,
    at DateTime64(3, 'Asia/Shanghai'),
    source LowCardinality(String),
    district LowCardinality(String),
    fraud_type LowCardinality(String),
    amount Int64 COMMENT 'minor units',
    currency LowCardinality(String),
    stops Array(String) COMMENT 'the stops of the transfers that the victim named'
) ENGINE = ReplacingMergeTree
ORDER BY report_id;

INSERT INTO reports_by_id
SELECT report_id, case_id, at, source, district, fraud_type, amount, currency, stops FROM reports FINAL;

DROP TABLE reports;

RENAME TABLE reports_by_id TO reports;

DROP TABLE reported_payments;
