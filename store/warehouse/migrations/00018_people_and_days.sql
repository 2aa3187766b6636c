-- +goose Up
CREATE TABLE IF NOT EXISTS verdicts_rows (
    alert_id String COMMENT 'empty: of the whole case',
    case_id String COMMENT 'of the alert',
    verdict LowCardinality(String) COMMENT 'confirmed, useful, false-alarm',
    reason String COMMENT 'as the person wrote it',
    by String COMMENT 'who',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when; the last counts',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written'
) ENGINE = ReplacingMergeTree(at)
ORDER BY (alert_id, case_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'What people found out about an alert, or about every alert of a case. Ask the view verdicts.';

INSERT INTO verdicts_rows (
    alert_id, case_id, verdict, reason, by, at)
SELECT
    alert_id, case_id, verdict, reason, by, at
FROM verdicts FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE verdicts;

CREATE TABLE IF NOT EXISTS progress_rows (
    case_id String COMMENT 'the case',
    version UInt32 COMMENT 'the last counts',
    state LowCardinality(String) COMMENT 'open, investigating, solved, closed',
    arrests UInt32 COMMENT 'people, in all so far',
    by String COMMENT 'who said so',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written'
) ENGINE = ReplacingMergeTree(version)
ORDER BY case_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'What people did about a case. Ask the view progress.';

INSERT INTO progress_rows (
    case_id, version, state, arrests, by, at)
SELECT
    case_id, version, state, arrests, by, at
FROM progress FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE progress;

CREATE TABLE IF NOT EXISTS kept_reports_rows (
    month String COMMENT 'such as 2026-11',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    kept_at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it was first given out',
    by String COMMENT 'who asked for it',
    document String COMMENT 'the report, JSON' CODEC(ZSTD(3)),
    rank UInt64 COMMENT 'falls with time, so that the first is kept',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written'
) ENGINE = ReplacingMergeTree(rank)
ORDER BY (month, currency)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Reports of closed months as they were first given out. Ask the view kept_reports.';

INSERT INTO kept_reports_rows (
    month, currency, kept_at, by, document, rank)
SELECT
    month, currency, kept_at, by, document, rank
FROM kept_reports FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE kept_reports;

CREATE TABLE IF NOT EXISTS recovery_by_rows (
    dim LowCardinality(String) COMMENT 'total, district, fraud_type, bank, hop, pattern: take one at a time',
    key LowCardinality(String) COMMENT 'of the dimension; empty for total',
    day Date COMMENT 'on which the stops were proposed',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    reckoned_at DateTime64(6) COMMENT 'when the day was computed; the last counts',
    cases UInt64 COMMENT 'whose first stop it is',
    cases_solved UInt64 COMMENT 'of cases, that are solved or closed',
    arrests UInt64 COMMENT 'people, in those cases',
    proposed UInt64 COMMENT 'stops',
    requested UInt64 COMMENT 'stops that a bank was asked for',
    held_full UInt64 COMMENT 'of requested: held in full',
    held_part UInt64 COMMENT 'of requested: held in part',
    missed UInt64 COMMENT 'of requested: the money was gone',
    refused UInt64 COMMENT 'of requested: refused, or not matching',
    unanswered UInt64 COMMENT 'requested, and no bank said what became of it',
    expired UInt64 COMMENT 'whose term ended',
    amount_requested Int64 COMMENT 'minor units',
    amount_requested_first Int64 COMMENT 'of amount_requested, at the first hop, minor units',
    amount_held Int64 COMMENT 'the most that was held, minor units',
    amount_under_control Int64 COMMENT 'held or frozen now, minor units',
    amount_frozen Int64 COMMENT 'minor units',
    amount_returned Int64 COMMENT 'to victims, minor units',
    amount_released Int64 COMMENT 'minor units',
    amount_lapsed Int64 COMMENT 'minor units',
    minutes Array(UInt64) COMMENT 'requests by minutes since the transfer: to 1, 5, 15, 30, 60, more',
    minutes_held Array(UInt64) COMMENT 'of those, the ones by which anything was held',
    to_request Map(UInt16, UInt64) COMMENT 'how many took how long from the transfer to the request: classes of 2 percent, from 10 ms on',
    to_answer Map(UInt16, UInt64) COMMENT 'from the request to the answer, likewise',
    to_hold Map(UInt16, UInt64) COMMENT 'from the transfer to the hold, likewise',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written'
) ENGINE = ReplacingMergeTree(reckoned_at)
PARTITION BY toYYYYMM(day)
ORDER BY (dim, day, key, currency)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, ttl_only_drop_parts = 1
COMMENT 'The recovery statistics, a row for each time that a day was computed. Ask the views recovery_days and recovery_by.';

INSERT INTO recovery_by_rows (
    dim, key, day, currency, reckoned_at, cases, cases_solved, arrests, proposed, requested, held_full,
    held_part, missed, refused, unanswered, expired, amount_requested, amount_requested_first, amount_held,
    amount_under_control, amount_frozen, amount_returned, amount_released, amount_lapsed, minutes, minutes_held,
    to_request, to_answer, to_hold)
SELECT
    dim, key, day, currency, reckoned_at, cases, cases_solved, arrests, proposed, requested, held_full,
    held_part, missed, refused, unanswered, expired, amount_requested, amount_requested_first, amount_held,
    amount_under_control, amount_frozen, amount_returned, amount_released, amount_lapsed, minutes, minutes_held,
    to_request, to_answer, to_hold
FROM recovery_days FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE recovery_days;

CREATE TABLE IF NOT EXISTS reports_by_rows (
    dim LowCardinality(String) COMMENT 'total, district, fraud_type: take one at a time',
    key LowCardinality(String) COMMENT 'of the dimension; empty for total',
    day Date COMMENT 'on which the reports were made',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    reckoned_at DateTime64(6) COMMENT 'when the day was computed; the last counts',
    reports UInt64 COMMENT 'that brought a payment which no other had',
    reports_repeated UInt64 COMMENT 'not among the reports',
    amount_reported Int64 COMMENT 'minor units',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written'
) ENGINE = ReplacingMergeTree(reckoned_at)
PARTITION BY toYYYYMM(day)
ORDER BY (dim, day, key, currency)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, ttl_only_drop_parts = 1
COMMENT 'The statistics of reports, a row for each time that a day was computed. Ask the views report_days and reports_by.';

INSERT INTO reports_by_rows (
    dim, key, day, currency, reckoned_at, reports, reports_repeated, amount_reported)
SELECT
    dim, key, day, currency, reckoned_at, reports, reports_repeated, amount_reported
FROM report_days FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE report_days;

CREATE VIEW IF NOT EXISTS verdicts (
    alert_id String COMMENT 'empty: of the whole case',
    case_id String COMMENT 'of the alert',
    verdict LowCardinality(String) COMMENT 'confirmed, useful, false-alarm',
    reason String COMMENT 'as the person wrote it',
    by String COMMENT 'who',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when; the last counts'
) AS SELECT
    alert_id, case_id, verdict, reason, by, at
FROM verdicts_rows FINAL
COMMENT 'What people found out about an alert, or about every alert of a case: the last verdict of each.';

CREATE VIEW IF NOT EXISTS progress (
    case_id String COMMENT 'the case',
    version UInt32 COMMENT 'the last counts',
    state LowCardinality(String) COMMENT 'open, investigating, solved, closed',
    arrests UInt32 COMMENT 'people, in all so far',
    by String COMMENT 'who said so',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when'
) AS SELECT
    case_id, version, state, arrests, by, at
FROM progress_rows FINAL
COMMENT 'How far people have come with a case: the last version of each.';

CREATE VIEW IF NOT EXISTS kept_reports (
    month String COMMENT 'such as 2026-11',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    kept_at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it was first given out',
    by String COMMENT 'who asked for it',
    document String COMMENT 'the report, JSON'
) AS SELECT
    month, currency, kept_at, by, document
FROM kept_reports_rows FINAL
COMMENT 'Reports of closed months as they were first given out.';

CREATE VIEW IF NOT EXISTS recovery_by (
    dim LowCardinality(String) COMMENT 'total, district, fraud_type, bank, hop, pattern: take one at a time',
    key LowCardinality(String) COMMENT 'of the dimension; empty for total',
    day Date COMMENT 'on which the stops were proposed',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    cases UInt64 COMMENT 'whose first stop it is',
    cases_solved UInt64 COMMENT 'of cases, that are solved or closed',
    arrests UInt64 COMMENT 'people, in those cases',
    proposed UInt64 COMMENT 'stops',
    requested UInt64 COMMENT 'stops that a bank was asked for',
    held_full UInt64 COMMENT 'of requested: held in full',
    held_part UInt64 COMMENT 'of requested: held in part',
    missed UInt64 COMMENT 'of requested: the money was gone',
    refused UInt64 COMMENT 'of requested: refused, or not matching',
    unanswered UInt64 COMMENT 'requested, and no bank said what became of it',
    expired UInt64 COMMENT 'whose term ended',
    amount_requested Int64 COMMENT 'minor units',
    amount_requested_first Int64 COMMENT 'of amount_requested, at the first hop, minor units',
    amount_held Int64 COMMENT 'the most that was held, minor units',
    amount_under_control Int64 COMMENT 'held or frozen now, minor units',
    amount_frozen Int64 COMMENT 'minor units',
    amount_returned Int64 COMMENT 'to victims, minor units',
    amount_released Int64 COMMENT 'minor units',
    amount_lapsed Int64 COMMENT 'minor units',
    minutes Array(UInt64) COMMENT 'requests by minutes since the transfer: to 1, 5, 15, 30, 60, more',
    minutes_held Array(UInt64) COMMENT 'of those, the ones by which anything was held',
    to_request Map(UInt16, UInt64) COMMENT 'how many took how long from the transfer to the request: classes of 2 percent, from 10 ms on',
    to_answer Map(UInt16, UInt64) COMMENT 'from the request to the answer, likewise',
    to_hold Map(UInt16, UInt64) COMMENT 'from the transfer to the hold, likewise'
) AS SELECT
    dim, key, day, currency, cases, cases_solved, arrests, proposed, requested, held_full, held_part, missed,
    refused, unanswered, expired, amount_requested, amount_requested_first, amount_held, amount_under_control,
    amount_frozen, amount_returned, amount_released, amount_lapsed, minutes, minutes_held, to_request, to_answer,
    to_hold
FROM recovery_by_rows FINAL
COMMENT 'The recovery statistics by day and one of six dimensions: each dimension has every stop, so that figures are added up within one (WHERE dim = ...).';

CREATE VIEW IF NOT EXISTS recovery_days (
    day Date COMMENT 'on which the stops were proposed',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    cases UInt64 COMMENT 'whose first stop it is',
    cases_solved UInt64 COMMENT 'of cases, that are solved or closed',
    arrests UInt64 COMMENT 'people, in those cases',
    proposed UInt64 COMMENT 'stops',
    requested UInt64 COMMENT 'stops that a bank was asked for',
    held_full UInt64 COMMENT 'of requested: held in full',
    held_part UInt64 COMMENT 'of requested: held in part',
    missed UInt64 COMMENT 'of requested: the money was gone',
    refused UInt64 COMMENT 'of requested: refused, or not matching',
    unanswered UInt64 COMMENT 'requested, and no bank said what became of it',
    expired UInt64 COMMENT 'whose term ended',
    amount_requested Int64 COMMENT 'minor units',
    amount_requested_first Int64 COMMENT 'of amount_requested, at the first hop, minor units',
    amount_held Int64 COMMENT 'the most that was held, minor units',
    amount_under_control Int64 COMMENT 'held or frozen now, minor units',
    amount_frozen Int64 COMMENT 'minor units',
    amount_returned Int64 COMMENT 'to victims, minor units',
    amount_released Int64 COMMENT 'minor units',
    amount_lapsed Int64 COMMENT 'minor units',
    minutes Array(UInt64) COMMENT 'requests by minutes since the transfer: to 1, 5, 15, 30, 60, more',
    minutes_held Array(UInt64) COMMENT 'of those, the ones by which anything was held',
    to_request Map(UInt16, UInt64) COMMENT 'how many took how long from the transfer to the request: classes of 2 percent, from 10 ms on',
    to_answer Map(UInt16, UInt64) COMMENT 'from the request to the answer, likewise',
    to_hold Map(UInt16, UInt64) COMMENT 'from the transfer to the hold, likewise'
) AS SELECT
    day, currency, cases, cases_solved, arrests, proposed, requested, held_full, held_part, missed, refused,
    unanswered, expired, amount_requested, amount_requested_first, amount_held, amount_under_control,
    amount_frozen, amount_returned, amount_released, amount_lapsed, minutes, minutes_held, to_request, to_answer,
    to_hold
FROM recovery_by_rows FINAL
WHERE dim = 'total'
COMMENT 'The recovery statistics by the day on which the stops were proposed: every stop counts once.';

CREATE VIEW IF NOT EXISTS reports_by (
    dim LowCardinality(String) COMMENT 'total, district, fraud_type: take one at a time',
    key LowCardinality(String) COMMENT 'of the dimension; empty for total',
    day Date COMMENT 'on which the reports were made',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    reports UInt64 COMMENT 'that brought a payment which no other had',
    reports_repeated UInt64 COMMENT 'not among the reports',
    amount_reported Int64 COMMENT 'minor units'
) AS SELECT
    dim, key, day, currency, reports, reports_repeated, amount_reported
FROM reports_by_rows FINAL
COMMENT 'The statistics of reports by day and one of three dimensions: each dimension has every report, so that figures are added up within one (WHERE dim = ...).';

CREATE VIEW IF NOT EXISTS report_days (
    day Date COMMENT 'on which the reports were made',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    reports UInt64 COMMENT 'that brought a payment which no other had',
    reports_repeated UInt64 COMMENT 'not among the reports',
    amount_reported Int64 COMMENT 'minor units'
) AS SELECT
    day, currency, reports, reports_repeated, amount_reported
FROM reports_by_rows FINAL
WHERE dim = 'total'
COMMENT 'The statistics of reports by the day on which they were made: every report counts once.';

-- +goose Down
DROP VIEW report_days;

DROP VIEW reports_by;

DROP VIEW recovery_days;

DROP VIEW recovery_by;

DROP VIEW kept_reports;

DROP VIEW progress;

DROP VIEW verdicts;

CREATE TABLE IF NOT EXISTS report_days (
    dim LowCardinality(String) COMMENT 'total, district, fraud_type',
    key LowCardinality(String),
    day Date,
    currency LowCardinality(String),
    reckoned_at DateTime64(6),
    reports UInt64,
    reports_repeated UInt64 COMMENT 'not among the reports',
    amount_reported Int64
) ENGINE = ReplacingMergeTree(reckoned_at)
ORDER BY (dim, day, key, currency);

INSERT INTO report_days (
    dim, key, day, currency, reckoned_at, reports, reports_repeated, amount_reported)
SELECT
    dim, key, day, currency, reckoned_at, reports, reports_repeated, amount_reported
FROM reports_by_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE reports_by_rows;

CREATE TABLE IF NOT EXISTS recovery_days (
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
    unanswered UInt64 COMMENT 'requested, and no bank said what became of it',
    expired UInt64,
    amount_requested Int64,
    amount_requested_first Int64 COMMENT 'of amount_requested, at the first hop',
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

INSERT INTO recovery_days (
    dim, key, day, currency, reckoned_at, cases, cases_solved, arrests, proposed, requested, held_full,
    held_part, missed, refused, unanswered, expired, amount_requested, amount_requested_first, amount_held,
    amount_under_control, amount_frozen, amount_returned, amount_released, amount_lapsed, minutes, minutes_held,
    to_request, to_answer, to_hold)
SELECT
    dim, key, day, currency, reckoned_at, cases, cases_solved, arrests, proposed, requested, held_full,
    held_part, missed, refused, unanswered, expired, amount_requested, amount_requested_first, amount_held,
    amount_under_control, amount_frozen, amount_returned, amount_released, amount_lapsed, minutes, minutes_held,
    to_request, to_answer, to_hold
FROM recovery_by_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE recovery_by_rows;

CREATE TABLE IF NOT EXISTS kept_reports (
    month String,
    currency LowCardinality(String),
    kept_at DateTime64(3, 'Asia/Shanghai'),
    by String,
    document String CODEC(ZSTD(3)),
    rank UInt64 COMMENT 'falls with time, so that the first is kept'
) ENGINE = ReplacingMergeTree(rank)
ORDER BY (month, currency);

INSERT INTO kept_reports (
    month, currency, kept_at, by, document, rank)
SELECT
    month, currency, kept_at, by, document, rank
FROM kept_reports_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE kept_reports_rows;

CREATE TABLE IF NOT EXISTS progress (
    case_id String,
    version UInt32,
    state LowCardinality(String) COMMENT 'open, investigating, solved, closed',
    arrests UInt32 COMMENT 'people, in all so far',
    by String,
    at DateTime64(3, 'Asia/Shanghai')
) ENGINE = ReplacingMergeTree(version)
ORDER BY case_id;

INSERT INTO progress (
    case_id, version, state, arrests, by, at)
SELECT
    case_id, version, state, arrests, by, at
FROM progress_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE progress_rows;

CREATE TABLE IF NOT EXISTS verdicts (
    alert_id String COMMENT 'empty: of the whole case',
    case_id String,
    verdict LowCardinality(String) COMMENT 'confirmed, useful, false-alarm',
    reason String,
    by String,
    at DateTime64(3, 'Asia/Shanghai')
) ENGINE = ReplacingMergeTree(at)
ORDER BY (alert_id, case_id);

INSERT INTO verdicts (
    alert_id, case_id, verdict, reason, by, at)
SELECT
    alert_id, case_id, verdict, reason, by, at
FROM verdicts_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE verdicts_rows;
