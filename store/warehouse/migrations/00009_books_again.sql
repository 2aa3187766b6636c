-- +goose Up
-- The books as centers need them: parts by month, rows that are on the disk once they are acknowledged, a version of
-- each row by its place in the log, words for every column, and for people a view of each table that has each thing once.

CREATE TABLE transfers_rows (
    id String COMMENT 'as the bank names it; unique with the account that pays',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when the money moves',
    payer_account String COMMENT 'that pays',
    payer_bank LowCardinality(String) COMMENT 'code of its bank',
    payer_holder String COMMENT 'name of its holder; empty where not given',
    payer_phone String COMMENT 'number of the person who pays, E.164; empty where not given',
    payee_account String COMMENT 'that is paid; empty for cash',
    payee_bank LowCardinality(String) COMMENT 'code of its bank',
    payee_holder String COMMENT 'name of its holder; empty where not given',
    amount Int64 COMMENT 'minor units',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    channel LowCardinality(String) COMMENT 'mobile, web, counter, atm, pos, api, cash',
    status UInt8 COMMENT '1 initiated, 2 posted, 3 reversed: the furthest',
    payer_balance Int64 COMMENT 'before it, minor units; -1 where not given',
    payee_balance Int64 COMMENT 'before it, minor units; -1 where not given',
    device String COMMENT 'that it was ordered from; empty where not given',
    purpose String COMMENT 'as the payer wrote it',
    district LowCardinality(String) COMMENT 'GB/T 2260; empty where none',
    rank UInt64 COMMENT 'which row of a key counts, the highest: the furthest state of it, and of those alike the first of the log',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written',
    INDEX transfer_id id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX phone payer_phone TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX payer_name payer_holder TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX payee_name payee_holder TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX payee payee_account TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(at)
ORDER BY (payer_account, id, payee_account, amount, currency)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, ttl_only_drop_parts = 1
COMMENT 'What banks said of transfers: a row for each transfer, and one for each repeat of it that says another payee, amount or currency. Ask the view transfers.';

INSERT INTO transfers_rows (
    id, at, payer_account, payer_bank, payer_holder, payer_phone, payee_account, payee_bank, payee_holder,
    amount, currency, channel, status, payer_balance, payee_balance, device, purpose, district, rank)
SELECT
    id, at, payer_account, payer_bank, payer_holder, payer_phone, payee_account, payee_bank, payee_holder,
    amount, currency, channel, status, payer_balance, payee_balance, device, purpose, district,
    toUInt64(bitShiftLeft(toUInt64(status), 56))
FROM transfers FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE transfers;

CREATE TABLE transfer_conflicts_rows (
    payer_account String COMMENT 'that pays',
    id String COMMENT 'of the transfer',
    payee_account String COMMENT 'that the repeat names',
    amount Int64 COMMENT 'of the repeat, minor units',
    currency LowCardinality(String) COMMENT 'of the repeat, ISO 4217',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when the money moves, by the repeat',
    source String COMMENT 'topic/partition:offset of the repeat',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written'
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (payer_account, id, payee_account, amount, currency)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, ttl_only_drop_parts = 1
COMMENT 'Repeats of a transfer that scoring refused, since they say something else than the first. Ask the view transfer_conflicts.';

CREATE TABLE calls_rows (
    id String COMMENT 'as the carrier names it',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it began',
    caller String COMMENT 'number, E.164',
    callee String COMMENT 'number, E.164',
    ended UInt8 COMMENT '1 once its end was reported',
    seconds Int64 COMMENT 'how long it was; 0 while it runs',
    spoofed UInt8 COMMENT '1 where the carrier saw a forged number',
    foreign_caller UInt8 COMMENT '1 where the number is of another country',
    imei String COMMENT 'of the telephone that called; empty where not given',
    cell String COMMENT 'that it called from; empty where not given',
    rank UInt64 COMMENT 'which row of a key counts, the highest: the furthest state of it, and of those alike the first of the log',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written'
) ENGINE = ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(at)
ORDER BY (callee, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, ttl_only_drop_parts = 1
COMMENT 'Calls as carriers reported them. Ask the view calls.';

INSERT INTO calls_rows (
    id, at, caller, callee, ended, seconds, spoofed, foreign_caller, imei, cell, rank)
SELECT
    id, at, caller, callee, ended, seconds, spoofed, foreign_caller, imei, cell,
    toUInt64(bitShiftLeft(toUInt64(ended), 56))
FROM calls FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE calls;

CREATE TABLE messages_rows (
    id String COMMENT 'as the carrier names it',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it was sent',
    sender String COMMENT 'number',
    recipient String COMMENT 'number, E.164',
    link_host String COMMENT 'host of the link in it; empty where it has none',
    rank UInt64 COMMENT 'which row of a key counts, the highest: the first of the log',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written'
) ENGINE = ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(at)
ORDER BY (recipient, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, ttl_only_drop_parts = 1
COMMENT 'Text messages as carriers reported them. Ask the view messages.';

INSERT INTO messages_rows (
    id, at, sender, recipient, link_host, rank)
SELECT
    id, at, sender, recipient, link_host, 0
FROM messages FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE messages;

CREATE TABLE sims_rows (
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

CREATE TABLE alerts_rows (
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

CREATE TABLE verdicts_rows (
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

CREATE TABLE progress_rows (
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

CREATE TABLE stop_versions_rows (
    stop_id String COMMENT 'the stop',
    version UInt32 COMMENT 'from 1 on, one for each step',
    case_id String COMMENT 'its case',
    state LowCardinality(String) COMMENT 'that this step led to',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'of the step',
    by String COMMENT 'who took it',
    reason String COMMENT 'why, as it was given',
    bank LowCardinality(String) COMMENT 'code of the bank that holds; with version 1',
    account String COMMENT 'that is stopped; with version 1',
    amount Int64 COMMENT 'asked for, minor units; with version 1',
    currency LowCardinality(String) COMMENT 'ISO 4217; with version 1',
    transfer_at DateTime64(3, 'Asia/Shanghai') COMMENT 'of the payment that brought the money; with version 1',
    fraud_type LowCardinality(String) COMMENT 'with version 1',
    district LowCardinality(String) COMMENT 'GB/T 2260; with version 1',
    pattern LowCardinality(String) COMMENT 'that asked for it; with version 1',
    hop UInt8 COMMENT 'accounts from the one that the victim paid, which is 1; with version 1',
    held Int64 COMMENT 'held after this version, minor units',
    effective_at DateTime64(3, 'Asia/Shanghai') COMMENT 'since when the bank holds; with its answer',
    document String COMMENT 'the entry of the ledger, JSON' CODEC(ZSTD(3)),
    rank UInt64 COMMENT 'which row of a version counts, the highest: it falls along the log, so that the first is kept',
    returned Int64 COMMENT 'paid back to victims so far, minor units',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written'
) ENGINE = ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(at)
ORDER BY (stop_id, version)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, ttl_only_drop_parts = 1
COMMENT 'Every version of every stop that the ledger accepted. Ask the view stop_versions.';

INSERT INTO stop_versions_rows (
    stop_id, version, case_id, state, at, by, reason, bank, account, amount, currency, transfer_at, fraud_type,
    district, pattern, hop, held, effective_at, document, rank, returned)
SELECT
    stop_id, version, case_id, state, at, by, reason, bank, account, amount, currency, transfer_at, fraud_type,
    district, pattern, hop, held, effective_at, document, rank, returned
FROM stops FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE stops;

CREATE TABLE stops_rows (
    stop_id String COMMENT 'the stop',
    version UInt32 COMMENT 'the last one',
    day Date COMMENT 'on which it was proposed',
    proposed_at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it was proposed',
    case_id String COMMENT 'its case',
    first UInt8 COMMENT '1: the first stop of its case',
    bank LowCardinality(String) COMMENT 'code of the bank that is asked',
    district LowCardinality(String) COMMENT 'GB/T 2260; empty where none',
    fraud_type LowCardinality(String) COMMENT 'of the case',
    pattern LowCardinality(String) COMMENT 'that asked for it; empty where a person or a report did',
    hop UInt8 COMMENT 'accounts from the one that the victim paid, which is 1',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    state LowCardinality(String) COMMENT 'where it is now',
    result LowCardinality(String) COMMENT 'what the bank answered first',
    amount Int64 COMMENT 'asked for, minor units',
    held Int64 COMMENT 'the most that was ever held, minor units',
    under_control Int64 COMMENT 'held or frozen now, minor units',
    frozen Int64 COMMENT 'of held, once it was frozen, minor units',
    returned Int64 COMMENT 'paid back to victims, minor units',
    released Int64 COMMENT 'let go, minor units',
    lapsed Int64 COMMENT 'held until the term ended with nobody acting, minor units',
    appealed UInt8 COMMENT '1: something was released',
    transfer_at DateTime64(3, 'Asia/Shanghai') COMMENT 'of the payment that brought the money',
    requested_at DateTime64(3, 'Asia/Shanghai') COMMENT 'when the bank was asked; 1970 where it was not',
    answered_at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it answered; 1970 where it did not',
    effective_at DateTime64(3, 'Asia/Shanghai') COMMENT 'since when it holds; 1970 where it does not',
    written_at DateTime64(3, 'Asia/Shanghai') MATERIALIZED now64(3) COMMENT 'when this row was written'
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (day, stop_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, ttl_only_drop_parts = 1
COMMENT 'A stop as it is now, a row for each time that it changed. Ask the view stops.';

INSERT INTO stops_rows (
    stop_id, version, day, proposed_at, case_id, first, bank, district, fraud_type, pattern, hop, currency,
    state, result, amount, held, under_control, frozen, returned, released, lapsed, appealed, transfer_at,
    requested_at, answered_at, effective_at)
SELECT
    stop_id, version, day, proposed_at, case_id, first, bank, district, fraud_type, pattern, hop, currency,
    state, result, amount, held, under_control, frozen, returned, released, lapsed, appealed, transfer_at,
    requested_at, answered_at, effective_at
FROM stop_facts FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE stop_facts;

CREATE TABLE recovery_by_rows (
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

CREATE TABLE reports_by_rows (
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

CREATE TABLE reports_rows (
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

CREATE TABLE reported_payments_rows (
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

CREATE TABLE kept_reports_rows (
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

CREATE VIEW transfers (
    id String COMMENT 'as the bank names it; unique with the account that pays',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when the money moves',
    payer_account String COMMENT 'that pays',
    payer_bank LowCardinality(String) COMMENT 'code of its bank',
    payer_holder String COMMENT 'name of its holder; empty where not given',
    payer_phone String COMMENT 'number of the person who pays, E.164; empty where not given',
    payee_account String COMMENT 'that is paid; empty for cash',
    payee_bank LowCardinality(String) COMMENT 'code of its bank',
    payee_holder String COMMENT 'name of its holder; empty where not given',
    amount Int64 COMMENT 'minor units',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    channel LowCardinality(String) COMMENT 'mobile, web, counter, atm, pos, api, cash',
    status UInt8 COMMENT '1 initiated, 2 posted, 3 reversed: the furthest',
    payer_balance Int64 COMMENT 'before it, minor units; -1 where not given',
    payee_balance Int64 COMMENT 'before it, minor units; -1 where not given',
    device String COMMENT 'that it was ordered from; empty where not given',
    purpose String COMMENT 'as the payer wrote it',
    district LowCardinality(String) COMMENT 'GB/T 2260; empty where none'
) AS SELECT
    id, at, payer_account, payer_bank, payer_holder, payer_phone, payee_account, payee_bank, payee_holder,
    amount, currency, channel, status, payer_balance, payee_balance, device, purpose, district
FROM transfers_rows FINAL
WHERE (payer_account, id, payee_account, amount, currency) NOT IN (
    SELECT payer_account, id, payee_account, amount, currency FROM transfer_conflicts_rows)
COMMENT 'Transfers, each once, with the furthest status that its bank reported. A repeat that says something else than the first is in transfer_conflicts.';

CREATE VIEW transfer_conflicts (
    payer_account String COMMENT 'that pays',
    id String COMMENT 'of the transfer',
    payee_account String COMMENT 'that the repeat names',
    amount Int64 COMMENT 'of the repeat, minor units',
    currency LowCardinality(String) COMMENT 'of the repeat, ISO 4217',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when the money moves, by the repeat',
    source String COMMENT 'topic/partition:offset of the repeat'
) AS SELECT
    payer_account, id, payee_account, amount, currency, at, source
FROM transfer_conflicts_rows FINAL
COMMENT 'Repeats of a transfer that say another payee, amount or currency than the first; they are dead letters, and not among the transfers.';

CREATE VIEW calls (
    id String COMMENT 'as the carrier names it',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it began',
    caller String COMMENT 'number, E.164',
    callee String COMMENT 'number, E.164',
    ended UInt8 COMMENT '1 once its end was reported',
    seconds Int64 COMMENT 'how long it was; 0 while it runs',
    spoofed UInt8 COMMENT '1 where the carrier saw a forged number',
    foreign_caller UInt8 COMMENT '1 where the number is of another country',
    imei String COMMENT 'of the telephone that called; empty where not given',
    cell String COMMENT 'that it called from; empty where not given'
) AS SELECT
    id, at, caller, callee, ended, seconds, spoofed, foreign_caller, imei, cell
FROM calls_rows FINAL
COMMENT 'Calls, each once, with its end where that was reported.';

CREATE VIEW messages (
    id String COMMENT 'as the carrier names it',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it was sent',
    sender String COMMENT 'number',
    recipient String COMMENT 'number, E.164',
    link_host String COMMENT 'host of the link in it; empty where it has none'
) AS SELECT
    id, at, sender, recipient, link_host
FROM messages_rows FINAL
COMMENT 'Text messages, each once.';

CREATE VIEW sims (
    id String COMMENT 'as the carrier names it',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it was done',
    number String COMMENT 'E.164',
    change LowCardinality(String) COMMENT 'activated, swapped, ported, forwarding_on, forwarding_off, suspended'
) AS SELECT
    id, at, number, change
FROM sims_rows FINAL
COMMENT 'Changes of SIM cards and of forwarding, each once.';

CREATE VIEW alerts (
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

CREATE VIEW verdicts (
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

CREATE VIEW progress (
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

CREATE VIEW stop_versions (
    stop_id String COMMENT 'the stop',
    version UInt32 COMMENT 'from 1 on, one for each step',
    case_id String COMMENT 'its case',
    state LowCardinality(String) COMMENT 'that this step led to',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'of the step',
    by String COMMENT 'who took it',
    reason String COMMENT 'why, as it was given',
    bank LowCardinality(String) COMMENT 'code of the bank that holds; with version 1',
    account String COMMENT 'that is stopped; with version 1',
    amount Int64 COMMENT 'asked for, minor units; with version 1',
    currency LowCardinality(String) COMMENT 'ISO 4217; with version 1',
    transfer_at DateTime64(3, 'Asia/Shanghai') COMMENT 'of the payment that brought the money; with version 1',
    fraud_type LowCardinality(String) COMMENT 'with version 1',
    district LowCardinality(String) COMMENT 'GB/T 2260; with version 1',
    pattern LowCardinality(String) COMMENT 'that asked for it; with version 1',
    hop UInt8 COMMENT 'accounts from the one that the victim paid, which is 1; with version 1',
    held Int64 COMMENT 'held after this version, minor units',
    effective_at DateTime64(3, 'Asia/Shanghai') COMMENT 'since when the bank holds; with its answer',
    document String COMMENT 'the entry of the ledger, JSON',
    returned Int64 COMMENT 'paid back to victims so far, minor units'
) AS SELECT
    stop_id, version, case_id, state, at, by, reason, bank, account, amount, currency, transfer_at, fraud_type,
    district, pattern, hop, held, effective_at, document, returned
FROM stop_versions_rows FINAL
COMMENT 'Every version of every stop: do not add amounts up over versions, the view stops has each stop once.';

CREATE VIEW stops (
    stop_id String COMMENT 'the stop',
    version UInt32 COMMENT 'the last one',
    day Date COMMENT 'on which it was proposed',
    proposed_at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it was proposed',
    case_id String COMMENT 'its case',
    first UInt8 COMMENT '1: the first stop of its case',
    bank LowCardinality(String) COMMENT 'code of the bank that is asked',
    district LowCardinality(String) COMMENT 'GB/T 2260; empty where none',
    fraud_type LowCardinality(String) COMMENT 'of the case',
    pattern LowCardinality(String) COMMENT 'that asked for it; empty where a person or a report did',
    hop UInt8 COMMENT 'accounts from the one that the victim paid, which is 1',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    state LowCardinality(String) COMMENT 'where it is now',
    result LowCardinality(String) COMMENT 'what the bank answered first',
    amount Int64 COMMENT 'asked for, minor units',
    held Int64 COMMENT 'the most that was ever held, minor units',
    under_control Int64 COMMENT 'held or frozen now, minor units',
    frozen Int64 COMMENT 'of held, once it was frozen, minor units',
    returned Int64 COMMENT 'paid back to victims, minor units',
    released Int64 COMMENT 'let go, minor units',
    lapsed Int64 COMMENT 'held until the term ended with nobody acting, minor units',
    appealed UInt8 COMMENT '1: something was released',
    transfer_at DateTime64(3, 'Asia/Shanghai') COMMENT 'of the payment that brought the money',
    requested_at DateTime64(3, 'Asia/Shanghai') COMMENT 'when the bank was asked; 1970 where it was not',
    answered_at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it answered; 1970 where it did not',
    effective_at DateTime64(3, 'Asia/Shanghai') COMMENT 'since when it holds; 1970 where it does not'
) AS SELECT
    stop_id, version, day, proposed_at, case_id, first, bank, district, fraud_type, pattern, hop, currency,
    state, result, amount, held, under_control, frozen, returned, released, lapsed, appealed, transfer_at,
    requested_at, answered_at, effective_at
FROM stops_rows FINAL
COMMENT 'Stops as they are now, each once.';

CREATE VIEW recovery_by (
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

CREATE VIEW reports_by (
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

CREATE VIEW reports (
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

CREATE VIEW reported_payments (
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

CREATE VIEW kept_reports (
    month String COMMENT 'such as 2026-11',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    kept_at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it was first given out',
    by String COMMENT 'who asked for it',
    document String COMMENT 'the report, JSON'
) AS SELECT
    month, currency, kept_at, by, document
FROM kept_reports_rows FINAL
COMMENT 'Reports of closed months as they were first given out.';

CREATE VIEW recovery_days (
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

CREATE VIEW report_days (
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

-- Where the sink goes on in Kafka: written after the rows that it covers. It takes the place of book_forms: a partition
-- that is not here, or is in an older form, is written anew.
CREATE TABLE book_offsets (
    topic LowCardinality(String) COMMENT 'of Kafka',
    partition UInt16 COMMENT 'of the topic',
    form UInt16 COMMENT 'in which the rows before next_offset are written',
    next_offset Int64 COMMENT 'every row of what lies before it is in the books',
    written_at DateTime64(6, 'Asia/Shanghai') DEFAULT now64(6) COMMENT 'the last row counts'
) ENGINE = ReplacingMergeTree(written_at)
ORDER BY (topic, partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'How far the books have what Kafka has.';

DROP TABLE book_forms;

ALTER TABLE entity_state MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

ALTER TABLE entity_state MODIFY COMMENT 'What scoring knows of each account and number, for those that are not hot.';

ALTER TABLE entity_state COMMENT COLUMN partition 'of the legs';

ALTER TABLE entity_state COMMENT COLUMN entity 'acct:NUMBER or tel:E164';

ALTER TABLE entity_state COMMENT COLUMN state 'as scoring encodes it';

ALTER TABLE checkpoints MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

ALTER TABLE checkpoints MODIFY COMMENT 'How far a legs partition has been scored, with all that follows from it written: the highest offset counts.';

ALTER TABLE checkpoints COMMENT COLUMN partition 'of the legs';

-- +goose Down
ALTER TABLE checkpoints COMMENT COLUMN partition '';

ALTER TABLE checkpoints MODIFY COMMENT '';

ALTER TABLE checkpoints RESET SETTING fsync_after_insert, fsync_part_directory, min_rows_to_fsync_after_merge;

ALTER TABLE entity_state COMMENT COLUMN partition '';

ALTER TABLE entity_state COMMENT COLUMN entity '';

ALTER TABLE entity_state COMMENT COLUMN state '';

ALTER TABLE entity_state MODIFY COMMENT '';

ALTER TABLE entity_state RESET SETTING fsync_after_insert, fsync_part_directory, min_rows_to_fsync_after_merge;

DROP TABLE book_offsets;

DROP VIEW report_days;

DROP VIEW recovery_days;

DROP VIEW kept_reports;

DROP VIEW reported_payments;

DROP VIEW reports;

DROP VIEW reports_by;

DROP VIEW recovery_by;

DROP VIEW stops;

DROP VIEW stop_versions;

DROP VIEW progress;

DROP VIEW verdicts;

DROP VIEW alerts;

DROP VIEW sims;

DROP VIEW messages;

DROP VIEW calls;

DROP VIEW transfer_conflicts;

DROP VIEW transfers;

CREATE TABLE book_forms (
    partition UInt16,
    form UInt16
) ENGINE = ReplacingMergeTree(form)
ORDER BY partition;

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
    district LowCardinality(String),
    INDEX transfer_id id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX phone payer_phone TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX payer_name payer_holder TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX payee_name payee_holder TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX payee payee_account TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = ReplacingMergeTree(status)
ORDER BY (payer_account, id);

INSERT INTO transfers (
    id, at, payer_account, payer_bank, payer_holder, payer_phone, payee_account, payee_bank, payee_holder,
    amount, currency, channel, status, payer_balance, payee_balance, device, purpose, district)
SELECT
    id, at, payer_account, payer_bank, payer_holder, payer_phone, payee_account, payee_bank, payee_holder,
    amount, currency, channel, status, payer_balance, payee_balance, device, purpose, district
FROM transfers_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE transfers_rows;

DROP TABLE transfer_conflicts_rows;

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

INSERT INTO calls (
    id, at, caller, callee, ended, seconds, spoofed, foreign_caller, imei, cell)
SELECT
    id, at, caller, callee, ended, seconds, spoofed, foreign_caller, imei, cell
FROM calls_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE calls_rows;

CREATE TABLE messages (
    id String,
    at DateTime64(3, 'Asia/Shanghai'),
    sender String,
    recipient String,
    link_host String
) ENGINE = ReplacingMergeTree
ORDER BY (recipient, id);

INSERT INTO messages (
    id, at, sender, recipient, link_host)
SELECT
    id, at, sender, recipient, link_host
FROM messages_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE messages_rows;

CREATE TABLE sims (
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

CREATE TABLE verdicts (
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

CREATE TABLE progress (
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
    held Int64 COMMENT 'held after this version, minor units',
    effective_at DateTime64(3, 'Asia/Shanghai'),
    document String CODEC(ZSTD(3)),
    rank UInt64 COMMENT 'falls along the log, so that the first of a version is kept',
    returned Int64 COMMENT 'paid back to victims so far, minor units'
) ENGINE = ReplacingMergeTree(rank)
ORDER BY (stop_id, version);

INSERT INTO stops (
    stop_id, version, case_id, state, at, by, reason, bank, account, amount, currency, transfer_at, fraud_type,
    district, pattern, hop, held, effective_at, document, rank, returned)
SELECT
    stop_id, version, case_id, state, at, by, reason, bank, account, amount, currency, transfer_at, fraud_type,
    district, pattern, hop, held, effective_at, document, rank, returned
FROM stop_versions_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE stop_versions_rows;

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

INSERT INTO stop_facts (
    stop_id, version, day, proposed_at, case_id, first, bank, district, fraud_type, pattern, hop, currency,
    state, result, amount, held, under_control, frozen, returned, released, lapsed, appealed, transfer_at,
    requested_at, answered_at, effective_at)
SELECT
    stop_id, version, day, proposed_at, case_id, first, bank, district, fraud_type, pattern, hop, currency,
    state, result, amount, held, under_control, frozen, returned, released, lapsed, appealed, transfer_at,
    requested_at, answered_at, effective_at
FROM stops_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE stops_rows;

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

CREATE TABLE report_days (
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

CREATE TABLE reports (
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

INSERT INTO reported_payments (
    case_id, report_id, position, day, paid_at, district, fraud_type, payer, payee, amount, currency, stop_id)
SELECT
    case_id, report_id, position, day, paid_at, district, fraud_type, payer, payee, amount, currency, stop_id
FROM reported_payments_rows FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE reported_payments_rows;

CREATE TABLE kept_reports (
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
