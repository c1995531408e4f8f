DROP TABLE idempotency_keys;
DROP TABLE outbox;
DROP TABLE schedules;
DROP TABLE jobs;
