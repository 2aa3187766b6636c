-- +goose Up
-- A stop as it is now: one row, written anew with each version that the ledger
-- accepts. Written again, or late, it is the same row.
CREATE TABLE stop_facts (
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

-- The recovery statistics, by day and dimension. A day is reckoned anew from its
-- facts whenever one of them changes; the last reckoning counts.
CREATE TABLE recovery_days (
    dim LowCardinality(String) COMMENT 'total, district, fraud_type, bank, hop, pattern',
    key LowCardinality(String),
    day Date,
    currency LowCardinality(String),
    reckoned_at DateTime64(6),
    cases UInt64 COMMENT 'whose first stop it is',
    cases_solved UInt64,
    arrests UInt64,
    proposed UInt64,
    requested UInt64,
    held_full UInt64,
    held_part UInt64,
    missed UInt64,
    refused UInt64 COMMENT 'and not matching',
    expired UInt64,
    amount_requested Int64,
    amount_held Int64,
    amount_under_control Int64,
    amount_frozen Int64,
    amount_returned Int64,
    amount_released Int64,
    amount_lapsed Int64,
    minutes Array(UInt64) COMMENT 'requests by minutes since the transfer: to 1, 5, 15, 30, 60, more',
    minutes_held Array(UInt64) COMMENT 'of those, the ones by which anything was held',
    to_request Map(UInt16, UInt64) COMMENT 'how many took how long: classes of 2 percent, from 10 ms on',
    to_answer Map(UInt16, UInt64),
    to_hold Map(UInt16, UInt64)
) ENGINE = ReplacingMergeTree(reckoned_at)
ORDER BY (dim, day, key, currency);

CREATE TABLE report_days (
    dim LowCardinality(String) COMMENT 'total, district, fraud_type',
    key LowCardinality(String),
    day Date,
    currency LowCardinality(String),
    reckoned_at DateTime64(6),
    reports UInt64,
    amount_reported Int64
) ENGINE = ReplacingMergeTree(reckoned_at)
ORDER BY (dim, day, key, currency);

-- A closed month's report, as it was first given out: it never changes.
CREATE TABLE kept_reports (
    month String,
    currency LowCardinality(String),
    kept_at DateTime64(3, 'Asia/Shanghai'),
    by String,
    document String CODEC(ZSTD(3)),
    rank UInt64 COMMENT 'falls with time, so that the first is kept'
) ENGINE = ReplacingMergeTree(rank)
ORDER BY (month, currency);

DROP VIEW stops_now;

-- +goose Down
CREATE VIEW stops_now AS
SELECT
    e.stop_id AS stop_id,
    argMax(e.state, e.version) AS state,
    any(e.case_id) AS case_id,
    maxIf(e.bank, e.version = 1) AS bank,
    maxIf(e.account, e.version = 1) AS account,
    maxIf(e.amount, e.version = 1) AS amount,
    maxIf(e.currency, e.version = 1) AS currency,
    maxIf(e.fraud_type, e.version = 1) AS fraud_type,
    maxIf(e.district, e.version = 1) AS district,
    maxIf(e.pattern, e.version = 1) AS pattern,
    maxIf(e.hop, e.version = 1) AS hop,
    maxIf(e.transfer_at, e.version = 1) AS transfer_at,
    min(e.at) AS proposed_at,
    minIf(e.at, e.state = 'requested') AS requested_at,
    max(e.held) AS held,
    max(e.returned) AS returned,
    max(e.effective_at) AS effective_at,
    countIf(e.state = 'requested') AS was_requested,
    countIf(e.state = 'held') AS was_held,
    countIf(e.state = 'partial') AS was_partial,
    countIf(e.state = 'missed') AS was_missed,
    countIf(e.state IN ('refused', 'mismatch')) AS was_refused,
    countIf(e.state = 'frozen') AS was_frozen
FROM stops AS e FINAL
GROUP BY e.stop_id;

DROP TABLE kept_reports;
DROP TABLE report_days;
DROP TABLE recovery_days;
DROP TABLE stop_facts;
