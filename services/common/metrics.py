"""The only place where a metric of the project exists: name, type, unit, labels, meaning.

Histograms have an edge exactly at each target (requests 0.5 s, queries 0.1 s), so that
"95 % under the target" is a ratio of two counters. Labels are closed sets: route templates,
query names, job kinds, error codes.
"""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# a second series beside each counter that nobody reads
disable_created_metrics()  # type: ignore[no-untyped-call]

REQUEST_EDGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 1, 2.5, 5, 10)
QUERY_EDGES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5)
WAIT_EDGES = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600)
JOB_EDGES = (0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800)

# HTTP
http_requests = Counter("ucc_http_requests", "Requests answered", ["route", "method", "status"])
http_request_seconds = Histogram(
    "ucc_http_request_seconds",
    "Seconds from request head to response end",
    ["route", "method", "status"],
    buckets=REQUEST_EDGES,
)
http_in_flight = Gauge("ucc_http_requests_in_flight", "Requests being worked on")
errors_total = Counter("ucc_errors", "Failures by error code, HTTP and jobs", ["code"])
usage_dropped_total = Counter(
    "ucc_usage_dropped", "Requests missing from usage because the database was away too long"
)
rate_limited_total = Counter("ucc_rate_limited", "Requests refused by a rate limit", ["tier"])
rate_limit_leases_total = Counter("ucc_rate_limit_leases", "Questions to Redis for rate limits")
rate_limit_unchecked_total = Counter(
    "ucc_rate_limit_unchecked", "Requests let through because Redis did not answer"
)
jwks_fetches_total = Counter("ucc_jwks_fetches", "Fetches of the JWT key set", ["outcome"])
slow_clients_total = Counter("ucc_slow_clients", "Connections closed for a head sent too slowly")

# Database
db_query_seconds = Histogram(
    "ucc_db_query_seconds",
    "Seconds of a query, without the wait for a connection",
    ["query"],
    buckets=QUERY_EDGES,
)
db_acquire_seconds = Histogram(
    "ucc_db_acquire_seconds", "Seconds waited for a pooled connection", buckets=QUERY_EDGES
)
db_waiting = Gauge("ucc_db_waiting", "Tasks waiting for a pooled connection")

# Jobs
jobs_finished_total = Counter(
    "ucc_jobs_finished", "Attempts of jobs that ended", ["kind", "outcome"]
)
job_seconds = Histogram(
    "ucc_job_seconds", "Seconds of one attempt of a job", ["kind"], buckets=JOB_EDGES
)
job_wait_seconds = Histogram(
    "ucc_job_wait_seconds", "Seconds a due job waited for a worker", ["kind"], buckets=WAIT_EDGES
)
job_attempts = Counter("ucc_job_attempts", "Attempts of jobs that began", ["kind"])
jobs_running = Gauge("ucc_jobs_running", "Attempts running in this process", ["queue"])
job_queue_depth = Gauge("ucc_job_queue_depth", "Jobs due and not claimed", ["queue"])
job_oldest_seconds = Gauge(
    "ucc_job_oldest_seconds", "Age in seconds of the oldest due job not claimed", ["queue"]
)
jobs_dead = Gauge("ucc_jobs_dead", "Jobs that gave up and wait for a person", ["queue"])
leases_expired_total = Counter(
    "ucc_job_leases_expired", "Leases that ran out and were taken back by the sweeper", ["queue"]
)
schedule_last_run_timestamp_seconds = Gauge(
    "ucc_schedule_last_run_timestamp_seconds", "Unix time a schedule last fired", ["schedule"]
)
schedule_lag_seconds = Gauge(
    "ucc_schedule_lag_seconds", "Seconds that the next run of a schedule is late", ["schedule"]
)
queue_paused = Gauge("ucc_queue_paused", "1 while a queue is paused by a person", ["queue"])
worker_last_progress_timestamp_seconds = Gauge(
    "ucc_worker_last_progress_timestamp_seconds", "Unix time the worker's loop last turned"
)

# Kafka
relay_published_total = Counter("ucc_relay_published", "Messages sent by the relay", ["topic"])
relay_lag_seconds = Gauge("ucc_relay_lag_seconds", "Age in seconds of the oldest unsent message")
messages_total = Counter(
    "ucc_messages", "Messages of change topics by outcome", ["topic", "outcome"]
)

# Pipelines
ingest_records_total = Counter(
    "ucc_ingest_records", "Filings read: new, changed or unchanged", ["register", "outcome"]
)
ingest_quarantined_total = Counter(
    "ucc_ingest_quarantined", "Rows of a register set aside as unreadable", ["register"]
)
source_requests_total = Counter(
    "ucc_source_requests", "Requests to outside sources", ["source", "outcome"]
)
source_request_seconds = Histogram(
    "ucc_source_request_seconds",
    "Seconds of a request to an outside source",
    ["source"],
    buckets=REQUEST_EDGES,
)
source_answers_total = Counter(
    "ucc_source_answers", "Prospects an outside source was asked about", ["source", "result"]
)
prospects_scored_total = Counter("ucc_prospects_scored", "Prospects scored")
signals_total = Counter("ucc_signals", "Growth signals written", ["type"])

# Migrator (operators/migrator)
migration_attempts_total = Counter(
    "ucc_migration_attempts", "Attempts that ended, by code of the failure or outcome", ["reason"]
)
migration_attempt_seconds = Histogram(
    "ucc_migration_attempt_seconds", "Seconds of an attempt", ["outcome"], buckets=JOB_EDGES
)
_RESOURCE = ["namespace", "name"]
migration_version = Gauge(
    "ucc_migration_version", "Schema version of the database as last read back", _RESOURCE
)
migration_target_version = Gauge(
    "ucc_migration_target_version", "Schema version that is asked for", _RESOURCE
)
migration_ready = Gauge(
    "ucc_migration_ready", "1 while the database is proven to be at its target", _RESOURCE
)
migration_drifted = Gauge(
    "ucc_migration_drifted", "1 while the catalog differs from what migrations left", _RESOURCE
)
migration_last_success_timestamp_seconds = Gauge(
    "ucc_migration_last_success_timestamp_seconds",
    "Unix time a database was last proven to be at its target",
    _RESOURCE,
)
migrator_reconcile_seconds = Histogram(
    "ucc_migrator_reconcile_seconds", "Seconds of one look at a resource", buckets=REQUEST_EDGES
)
