-- +goose Up
CREATE TABLE messages (
    id String,
    at DateTime64(3, 'Asia/Shanghai'),
    sender String,
    recipient String,
    link_host String
) ENGINE = ReplacingMergeTree
ORDER BY (recipient, id);

CREATE TABLE sims (
    id String,
    at DateTime64(3, 'Asia/Shanghai'),
    number String,
    change LowCardinality(String)
) ENGINE = ReplacingMergeTree
ORDER BY (number, id);

-- What people found out about an alert, or about every alert of a case.
CREATE TABLE verdicts (
    alert_id String COMMENT 'empty: of the whole case',
    case_id String,
    verdict LowCardinality(String) COMMENT 'confirmed, useful, false-alarm',
    reason String,
    by String,
    at DateTime64(3, 'Asia/Shanghai')
) ENGINE = ReplacingMergeTree(at)
ORDER BY (alert_id, case_id);

ALTER TABLE reports ADD COLUMN stops Array(String) COMMENT 'the stops of the transfers that the victim named';

ALTER TABLE alerts ADD COLUMN subject_stop String COMMENT 'the stop that the transfer in question has or would have';

ALTER TABLE alerts ADD COLUMN catalogue LowCardinality(String) COMMENT 'version that raised it';

-- States of an earlier form cannot be read: the legs are scored again.
TRUNCATE TABLE entity_state;

TRUNCATE TABLE checkpoints;

-- +goose Down
ALTER TABLE alerts DROP COLUMN catalogue;
ALTER TABLE alerts DROP COLUMN subject_stop;
ALTER TABLE reports DROP COLUMN stops;
DROP TABLE verdicts;
DROP TABLE sims;
DROP TABLE messages;
