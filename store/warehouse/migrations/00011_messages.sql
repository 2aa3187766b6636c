-- +goose Up
CREATE TABLE IF NOT EXISTS messages_rows (
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

CREATE VIEW IF NOT EXISTS messages (
    id String COMMENT 'as the carrier names it',
    at DateTime64(3, 'Asia/Shanghai') COMMENT 'when it was sent',
    sender String COMMENT 'number',
    recipient String COMMENT 'number, E.164',
    link_host String COMMENT 'host of the link in it; empty where it has none'
) AS SELECT
    id, at, sender, recipient, link_host
FROM messages_rows FINAL
COMMENT 'Text messages, each once.';

-- +goose Down
DROP VIEW messages;

CREATE TABLE IF NOT EXISTS messages (
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
