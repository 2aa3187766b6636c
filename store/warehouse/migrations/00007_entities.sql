-- +goose Up
-- The evidence of an entity is written anew whenever it changes: parts that a
-- merge has replaced need not lie eight minutes beside the new ones.
ALTER TABLE entity_state MODIFY SETTING old_parts_lifetime = 60;

-- +goose Down
ALTER TABLE entity_state RESET SETTING old_parts_lifetime;
