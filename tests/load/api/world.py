"""The database of the API part: a sample register ingested and scored by the real pipelines, then
copied under other names and states until there are as many prospects as asked for.

So each prospect has the evidence, filings, parties and collateral that ours have, in their size.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tests.load import pipeline
from tests.support.stack import TestStack

WRITING = ["ingestion", "enrichment", "scoring", "relay", "sample_register"]
SERVING = ["prospects"]
STATES = (
    "CO", "CT", "OR", "FL", "CA", "TX", "NY", "NJ", "GA", "IL", "OH", "PA", "NC", "MI", "WA", "AZ",
    "MA", "TN", "IN", "MO",
)  # fmt: skip
LIMIT = 1_000_000_000
_SAMPLE_ROWS = 40_000
_TABLES = (
    "ucc_filings", "filing_events", "filing_parties", "filing_collateral", "prospects",
    "prospect_work", "prospect_ucc_filings", "growth_signals", "health_scores",
)  # fmt: skip

# What differs in copy `k`; {step} is more than any id of a filing or document.
_STATE = f"(ARRAY[{', '.join(map(repr, STATES))}])[1 + k % {len(STATES)}]"
_OWN: Mapping[str, Mapping[str, str]] = {
    "ucc_filings": {
        "id": "id + k * {step}",
        "filing_number": "filing_number || '-' || k",
        "state": _STATE,
    },
    "filing_events": {
        "id": "id + k * {step}",
        "filing_id": "filing_id + k * {step}",
        "document_number": "document_number || '-' || k",
    },
    "filing_parties": {"event_id": "event_id + k * {step}", "filing_id": "filing_id + k * {step}"},
    "filing_collateral": {
        "event_id": "event_id + k * {step}",
        "filing_id": "filing_id + k * {step}",
    },
    "prospects": {
        "id": "md5(id::text || k)::uuid",
        "debtor_key": f"{_STATE} || ':' || name_key || k",
        "company_name": "company_name || ' ' || k",
        "name_key": "name_key || k",
        "state": _STATE,
        "priority_score": "greatest(0, priority_score - (hashtext(id::text || k) & 3))",
        "created_at": "created_at - make_interval(secs => abs(hashtext(k || id::text)) / 25.0)",
        "status": "(ARRAY['contacted', 'qualified', 'dead', 'unclaimed'])"
        "[least(4, 1 + (hashtext(k || id::text) & 31))]",
    },
    "prospect_work": {"prospect_id": "md5(prospect_id::text || k)::uuid"},
    "prospect_ucc_filings": {
        "prospect_id": "md5(prospect_id::text || k)::uuid",
        "filing_id": "filing_id + k * {step}",
    },
    "growth_signals": {
        "id": "id + k * {step}",
        "prospect_id": "md5(prospect_id::text || k)::uuid",
    },
    "health_scores": {"prospect_id": "md5(prospect_id::text || k)::uuid"},
}
_COUNT_CELLS = """
DELETE FROM prospect_cells; DELETE FROM prospect_cell_deltas;
INSERT INTO prospect_cells (state, industry, status, score, prospects)
SELECT state, coalesce(corrected_industry, industry, ''), status, priority_score, count(*)
FROM prospects GROUP BY 1, 2, 3, 4;
"""
_STEP = """
SELECT 1 + max(id)
FROM (SELECT max(id) AS id FROM filing_events UNION ALL SELECT max(id) FROM ucc_filings
      UNION ALL SELECT max(id) FROM growth_signals) AS ids
"""
_UNSCORED = "SELECT count(*) FROM prospect_work WHERE scored_rev < facts_rev"


def make(folder: Path | None = None) -> TestStack:
    """A durable stack of its own, not started yet, with the limit on and out of reach."""
    return TestStack(
        [*WRITING, *SERVING],
        durable=True,
        folder=folder,
        env={
            "SAMPLE_SIZE": str(_SAMPLE_ROWS),
            "SAMPLE_CACHE_DIR": "",
            "RATE_LIMIT_MAX": str(LIMIT),
            "RATE_LIMIT_MAX_SERVICE": str(LIMIT),
            "JWT_SECRET": "a secret of the benchmark alone, 32 bytes",
        },
    )


def fill(stack: TestStack, prospects: int, timeout_s: float) -> int:
    """Ingest, score, multiply; then only what serves goes on running. How many there are."""
    asyncio.run(pipeline.run_job(stack, datetime.now(UTC).date(), timeout_s))
    stack.psql(_wait_scored())
    stack.parts = SERVING
    stack.start()
    multiply(stack, prospects)
    return int(stack.psql("SELECT count(*) FROM prospects"))


def _wait_scored() -> str:
    return (
        f"DO $$ BEGIN FOR i IN 1..600 LOOP EXIT WHEN ({_UNSCORED}) = 0; "
        "COMMIT; PERFORM pg_sleep(0.5); END LOOP; END $$"
    )


def multiply(stack: TestStack, prospects: int) -> None:
    """Copy every row of the tables often enough, without indexes and triggers meanwhile."""
    met = int(stack.psql("SELECT count(*) FROM prospects"))
    if not met:
        raise RuntimeError("the sample register gave no prospects")
    copies = max(0, -(-prospects // met) - 1)
    step = int(stack.psql(_STEP))
    indexes = stack.psql(
        "SELECT indexname || '|' || replace(indexdef, E'\\n', ' ') FROM pg_indexes AS i "
        f"WHERE schemaname = 'public' AND tablename IN ({', '.join(map(repr, _TABLES))}) "
        "AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conname = i.indexname)"
    ).splitlines()
    dropped = "".join(f"DROP INDEX {line.partition('|')[0]}; " for line in indexes)
    copied = "".join(f"{_copy(stack, table, copies, step)};\n" for table in _TABLES)
    built = "".join(f"{line.partition('|')[2]};\n" for line in indexes)
    stack.psql(
        "SET session_replication_role = replica; SET synchronous_commit = off; "
        f"SET maintenance_work_mem = '1GB'; BEGIN; {dropped}{copied}{built}{_COUNT_CELLS} COMMIT;"
    )
    stack.psql("VACUUM (ANALYZE, FREEZE, PARALLEL 2)")
    stack.psql("CHECKPOINT", "postgres")


def _copy(stack: TestStack, table: str, copies: int, step: int) -> str:
    columns = stack.psql(
        "SELECT quote_ident(attname) FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped "
        f"AND attgenerated = '' AND attrelid = '{table}'::regclass ORDER BY attnum"
    ).splitlines()
    own = _OWN[table]
    values = ", ".join(own.get(name, name).replace("{step}", str(step)) for name in columns)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) OVERRIDING SYSTEM VALUE "
        f"SELECT {values} FROM generate_series(1, {copies}) AS k, "
        f"(SELECT * FROM {table}) AS t"
    )
