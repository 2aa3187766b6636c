-- +goose Up
-- A claim looks an alert up by its id, a case page its alerts by the case. Without
-- an index each reads the whole table.
ALTER TABLE alerts ADD INDEX alert_id id TYPE bloom_filter(0.001) GRANULARITY 1;

ALTER TABLE alerts ADD INDEX alert_case case_id TYPE bloom_filter(0.001) GRANULARITY 1;

-- An index serves what was written before it only once it is made for that.
ALTER TABLE alerts MATERIALIZE INDEX alert_id;

ALTER TABLE alerts MATERIALIZE INDEX alert_case;

ALTER TABLE transfers MATERIALIZE INDEX transfer_id;

ALTER TABLE transfers MATERIALIZE INDEX phone;

ALTER TABLE transfers MATERIALIZE INDEX payer_name;

ALTER TABLE transfers MATERIALIZE INDEX payee_name;

ALTER TABLE transfers MATERIALIZE INDEX payee;

-- +goose Down
ALTER TABLE alerts DROP INDEX alert_case;

ALTER TABLE alerts DROP INDEX alert_id;
