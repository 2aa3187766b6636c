-- +goose Up
CREATE TABLE transfers (
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
    district LowCardinality(String)
) ENGINE = ReplacingMergeTree(status)
ORDER BY (payer_account, id);

CREATE TABLE calls (
    id String,
    at DateTime64(3, 'Asia/Shanghai'),
    caller String,
    callee String,
    ended UInt8,
    seconds Int64,
    spoofed UInt8,
    foreign_caller UInt8,
    imei String,
    cell String
) ENGINE = ReplacingMergeTree(ended)
ORDER BY (callee, id);

CREATE TABLE alerts (
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
    document String CODEC(ZSTD(3))
) ENGINE = ReplacingMergeTree
ORDER BY (at, id);

-- Every version of every stop. Two events for one version: the log's first counts.
CREATE TABLE stops (
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
    held Int64 COMMENT 'minor units; with the answer of the bank',
    effective_at DateTime64(3, 'Asia/Shanghai'),
    document String CODEC(ZSTD(3)),
    rank UInt64 COMMENT 'falls along the log, so that the first of a version is kept'
) ENGINE = ReplacingMergeTree(rank)
ORDER BY (stop_id, version);

CREATE TABLE reports (
    report_id String,
    case_id String,
    at DateTime64(3, 'Asia/Shanghai'),
    source LowCardinality(String),
    district LowCardinality(String),
    fraud_type LowCardinality(String),
    amount Int64 COMMENT 'minor units',
    currency LowCardinality(String)
) ENGINE = ReplacingMergeTree
ORDER BY report_id;

-- What scoring knows of each account and number, for those that are not hot.
CREATE TABLE entity_state (
    partition UInt16,
    entity String,
    version UInt64 COMMENT 'place of the last leg applied',
    state String
) ENGINE = ReplacingMergeTree(version)
ORDER BY (partition, entity)
SETTINGS index_granularity = 512;

CREATE TABLE checkpoints (
    partition UInt16,
    next_offset Int64 COMMENT 'of the legs partition',
    marks String COMMENT 'last offset of each source partition, JSON'
) ENGINE = ReplacingMergeTree(next_offset)
ORDER BY partition;

-- One row a stop, as it is now.
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
    max(e.effective_at) AS effective_at,
    countIf(e.state = 'requested') AS was_requested,
    countIf(e.state = 'held') AS was_held,
    countIf(e.state = 'partial') AS was_partial,
    countIf(e.state = 'missed') AS was_missed,
    countIf(e.state IN ('refused', 'mismatch')) AS was_refused,
    countIf(e.state = 'frozen') AS was_frozen
FROM stops AS e FINAL
GROUP BY e.stop_id;

-- +goose Down
DROP VIEW stops_now;
DROP TABLE checkpoints;
DROP TABLE entity_state;
DROP TABLE reports;
DROP TABLE stops;
DROP TABLE alerts;
DROP TABLE calls;
DROP TABLE transfers;
