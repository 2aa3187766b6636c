-- +goose Up
-- What people did about a case: the last version counts.
CREATE TABLE progress (
    case_id String,
    version UInt32,
    state LowCardinality(String) COMMENT 'open, investigating, solved, closed',
    arrests UInt32 COMMENT 'people, in all so far',
    by String,
    at DateTime64(3, 'Asia/Shanghai')
) ENGINE = ReplacingMergeTree(version)
ORDER BY case_id;

ALTER TABLE stops ADD COLUMN returned Int64 COMMENT 'paid back to victims so far, minor units';

ALTER TABLE stops MODIFY COLUMN held Int64 COMMENT 'held after this version, minor units';

ALTER TABLE transfers ADD INDEX payee payee_account TYPE bloom_filter GRANULARITY 4;

DROP VIEW stops_now;

-- One row a stop, as it is now. Held is the most that was ever held: what was
-- released later was stopped all the same.
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

-- States of an earlier form cannot be read: the legs are scored again.
TRUNCATE TABLE entity_state;

TRUNCATE TABLE checkpoints;

-- +goose Down
DROP VIEW stops_now;

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

ALTER TABLE transfers DROP INDEX payee;

ALTER TABLE stops MODIFY COLUMN held Int64 COMMENT 'minor units; with the answer of the bank';

ALTER TABLE stops DROP COLUMN returned;

DROP TABLE progress;
