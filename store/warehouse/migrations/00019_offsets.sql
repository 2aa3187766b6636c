-- +goose Up
-- Where the sink goes on in Kafka: written after the rows that it covers. It takes the place of book_forms: a partition
-- that is not here, or is in an older form, is written anew.
CREATE TABLE IF NOT EXISTS book_offsets (
    topic LowCardinality(String) COMMENT 'of Kafka',
    partition UInt16 COMMENT 'of the topic',
    form UInt16 COMMENT 'in which the rows before next_offset are written',
    next_offset Int64 COMMENT 'every row of what lies before it is in the books',
    written_at DateTime64(6, 'Asia/Shanghai') DEFAULT now64(6) COMMENT 'the last row counts'
) ENGINE = ReplacingMergeTree(written_at)
ORDER BY (topic, partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'How far the books have what Kafka has.';

DROP TABLE IF EXISTS book_forms;

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

CREATE TABLE book_forms (
    partition UInt16,
    form UInt16
) ENGINE = ReplacingMergeTree(form)
ORDER BY partition;

DROP TABLE book_offsets;
