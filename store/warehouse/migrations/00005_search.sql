-- +goose Up
-- What an analyst types is looked up in these.
ALTER TABLE transfers ADD INDEX transfer_id id TYPE bloom_filter(0.001) GRANULARITY 1;

ALTER TABLE transfers ADD INDEX phone payer_phone TYPE bloom_filter(0.001) GRANULARITY 1;

ALTER TABLE transfers ADD INDEX payer_name payer_holder TYPE bloom_filter(0.001) GRANULARITY 1;

ALTER TABLE transfers ADD INDEX payee_name payee_holder TYPE bloom_filter(0.001) GRANULARITY 1;

ALTER TABLE transfers DROP INDEX payee;

ALTER TABLE transfers ADD INDEX payee payee_account TYPE bloom_filter(0.001) GRANULARITY 1;

-- +goose Down
ALTER TABLE transfers DROP INDEX payee;

ALTER TABLE transfers ADD INDEX payee payee_account TYPE bloom_filter GRANULARITY 4;

ALTER TABLE transfers DROP INDEX transfer_id;
ALTER TABLE transfers DROP INDEX phone;
ALTER TABLE transfers DROP INDEX payer_name;
ALTER TABLE transfers DROP INDEX payee_name;
