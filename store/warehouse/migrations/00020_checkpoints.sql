-- +goose Up
-- A checkpoint has everything beside the states in one row, so that it is there whole or not at all.
CREATE TABLE checkpoints_whole (
    partition UInt16 COMMENT 'of the legs',
    next_offset Int64 COMMENT 'of the legs partition',
    marks String COMMENT 'last offset of each source partition, JSON',
    controls String COMMENT 'what people had decided, as scoring keeps it',
    wanted String COMMENT 'accounts whose payments are searched for, JSON'
) ENGINE = ReplacingMergeTree(next_offset)
ORDER BY partition
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'How far a legs partition has been scored, with all that follows from it written: the highest offset counts.';

INSERT INTO checkpoints_whole
SELECT c.partition, c.next, c.marks, k.controls, ''
FROM (SELECT partition, max(next_offset) AS next, argMax(marks, next_offset) AS marks FROM checkpoints GROUP BY partition) AS c
LEFT JOIN (SELECT partition, argMax(state, version) AS controls FROM entity_state WHERE entity = 'controls' GROUP BY partition) AS k
ON k.partition = c.partition;

DROP TABLE checkpoints;

RENAME TABLE checkpoints_whole TO checkpoints;

-- +goose Down
CREATE TABLE checkpoints_short (
    partition UInt16 COMMENT 'of the legs',
    next_offset Int64 COMMENT 'of the legs partition',
    marks String COMMENT 'last offset of each source partition, JSON'
) ENGINE = ReplacingMergeTree(next_offset)
ORDER BY partition;

INSERT INTO checkpoints_short
SELECT partition, max(next_offset), argMax(marks, next_offset) FROM checkpoints GROUP BY partition;

INSERT INTO entity_state
SELECT partition, 'controls', bitShiftLeft(toUInt64(max(next_offset)), 20), argMax(controls, next_offset) FROM checkpoints
GROUP BY partition HAVING argMax(controls, next_offset) != '';

DROP TABLE checkpoints;

RENAME TABLE checkpoints_short TO checkpoints;

ALTER TABLE checkpoints MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

ALTER TABLE checkpoints MODIFY COMMENT 'How far a legs partition has been scored, with all that follows from it written: the highest offset counts.';
