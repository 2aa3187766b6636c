-- +goose Up
CREATE TABLE IF NOT EXISTS calls_rows (
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

CREATE VIEW IF NOT EXISTS calls (
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

-- +goose Down
DROP VIEW calls;

CREATE TABLE IF NOT EXISTS calls (
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
