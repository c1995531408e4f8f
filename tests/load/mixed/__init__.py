"""The mixed part: thousands of jobs of all kinds against sources that fail one time in twenty.

The same work is done twice, on two databases: once undisturbed in few large jobs, once in many
small ones with faults. Both must hold the same in the end.
"""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.load.ingestion import Options
from tests.load.mixed import platform
from tests.load.mixed.platform import Ended
from tests.load.report import Target, table
from tests.support.contents import differences
from tests.support.stack import TestStack

JOBS = 5000
REGISTER = {"SAMPLE_SIZE": "10000", "SAMPLE_SEED": "11", "INGEST_FIRST_DAYS": "3650"}
LARGE = {"INGEST_PAGE_SIZE": "500", "ENRICHMENT_JOB_BATCH": "100"}
SMALL = {"INGEST_PAGE_SIZE": "10", "ENRICHMENT_JOB_BATCH": "1", "SCORING_JOB_BATCH": "1"}


def run(_options: Options, say: Callable[[str], None]) -> list[Target]:
    """Measure, print the tables; the targets."""
    say("starting PostgreSQL (fsync on), PgBouncer, Redis, Kafka")
    with (
        tempfile.TemporaryDirectory(prefix="ucc-intel-bench-") as name,
        TestStack(durable=True) as stack,
    ):
        calm = asyncio.run(platform.run(stack, "calm", Path(name), REGISTER | LARGE, wrong=False))
        say(f"undisturbed, {sum(calm.states.values()):,} jobs: {calm.seconds:.0f} s")
        mixed = asyncio.run(platform.run(stack, "mixed", Path(name), REGISTER | SMALL, wrong=True))
        say(f"with faults, {sum(mixed.states.values()):,} jobs: {mixed.seconds:.0f} s")
    print(table("Jobs with faults", ("", "jobs", "tries"), mixed.kinds))
    asked, failed = mixed.failed
    print(f"Of {asked:,} requests to the outside source {failed:,} were answered wrongly.\n")
    for line in differences(calm.told, mixed.told):
        print(line)
    return targets(calm, mixed)


def targets(calm: Ended, mixed: Ended) -> list[Target]:
    """What issue 5 asks of a mixed hour."""
    jobs, live = sum(mixed.states.values()), set(mixed.states) - {"succeeded", "dead"}
    return [
        Target.at_least("jobs with 5 % faults", JOBS, jobs),
        Target.at_least("jobs an hour at this pace", 1000, jobs / mixed.seconds * 3600),
        _yes("the same rows as undisturbed, none twice", not differences(calm.told, mixed.told)),
        _yes("each document written once, by a job that counts it", _once(mixed)),
        _yes("none lost: every job is final", not live),
        _yes("dead are those that must be", mixed.dead == mixed.doomed),
    ]


def _once(ended: Ended) -> bool:
    counted, written = ended.documents
    return counted == written > 0


def _yes(name: str, met: bool) -> Target:
    return Target(name, "yes", "yes" if met else "no", met)
