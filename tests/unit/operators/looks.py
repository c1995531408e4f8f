"""Looks at a resource, made by hand: only what a test is about is given."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from migrations.files import Migration, checksum, load_mapping
from migrations.history import Entry
from migrations.state import State, state_of
from operators.migrator.attempt import Attempt
from operators.migrator.decide import decide
from operators.migrator.job import Launch, Owner, name_of
from operators.migrator.observed import Decision, Observed
from operators.migrator.spec import Spec
from operators.migrator.status import condition, ready_reason

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OWNER = Owner("team", "orders", "0a1b2c3d-0000-4000-8000-000000000001", 3)
ROUND = "round0000001"
HEADER = "-- phase: expand\n-- transaction: true\n-- min_app_version: 0.1.0\n"


def data(count: int, edited: int = 0) -> dict[str, str]:
    """A ConfigMap's data: tables t1, t2, ...; one of them edited."""
    made = {}
    for n in range(1, count + 1):
        more = "-- changed\n" if n == edited else ""
        made[f"{n:04d}_t{n}.up.sql"] = f"{HEADER}{more}CREATE TABLE t{n} (id bigint);"
        made[f"{n:04d}_t{n}.down.sql"] = f"{HEADER}DROP TABLE t{n};"
    return made


def files(count: int, edited: int = 0) -> list[Migration]:
    """The migrations of `data`."""
    return load_mapping(data(count, edited))


def state(at: int, doubt: int = 0) -> State:
    """A database with versions 1 to `at`, and one in doubt."""
    rows = [_entry(m, "applied") for m in files(at)] if at else []
    rows += [_entry(files(doubt)[-1], "started")] if doubt else []
    return state_of(rows)


def _entry(m: Migration, how: str) -> Entry:
    values = {"version": m.version, "name": m.name, "sha256": m.up.sha256, "direction": "up"}
    values |= {"state": how, "applied_at": NOW, "duration_ms": 4, "applied_by": "runner"}
    values |= {"min_app_version": None}
    known = {key: value for key, value in values.items() if key in Entry.__dataclass_fields__}
    return Entry(**known)  # type: ignore[arg-type]


def spec(**wishes: Any) -> Spec:
    """A spec with a ConfigMap as its source."""
    source: Mapping[str, Any] = {"configMapRef": {"name": "files"}}
    base = {"database": {"secretRef": {"name": "dsn"}}, "source": source}
    return Spec.model_validate(base | wishes)


def look(wishes: Mapping[str, Any] | None = None, **known: Any) -> Observed:
    """A look: files 1 to 2 and an empty database, unless said otherwise."""
    base = Observed(
        owner=OWNER,
        spec=spec(**(wishes or {})),
        status={},
        now=NOW,
        round=ROUND,
        revision="sha-of-the-source",
        files=files(2),
        state=state(0),
    )
    return replace(base, **known)


def image(**wishes: Any) -> dict[str, Any]:
    """Wishes with an image as the source; the look needs `files=None` with it."""
    return {"source": {"image": "registry.example/app:1"}} | wishes


def attempt(number: int = 1, **known: Any) -> Attempt:
    """An attempt that runs since 10 s."""
    base = Attempt(
        name=name_of(OWNER, Launch(ROUND, number, "up", None)),
        number=number,
        generation=3,
        mode="up",
        round=ROUND,
        created=NOW - timedelta(seconds=10),
        placed=None,
        phase="running",
        pod="orders-pod",
    )
    return replace(base, **known)


def ended(number: int = 1, **report: Any) -> Attempt:
    """An attempt that ended now, with this report."""
    made = {"outcome": "applied", "code": None, "version": 2, "target": 2, "applied": []} | report
    return attempt(number, phase="ended", ended=NOW, report=made)


def failed(code: str, number: int = 1, **report: Any) -> Attempt:
    """An attempt that failed with a code."""
    said = {"outcome": "failed", "code": code, "message": f"It was {code}."}
    return ended(number, **said, **report)


def after(o: Observed, made: Decision, **known: Any) -> Observed:
    """The next look, with the status of a decision."""
    return replace(o, status=made.status, **known)


def reason(made: Decision) -> str | None:
    """The reason of Ready."""
    return ready_reason(made.status)


def holds(made: Decision, kind: str) -> bool | None:
    """Whether a condition is True; None where it is absent."""
    found = condition(made.status, kind)
    return None if found is None else found["status"] == "True"


def message(made: Decision) -> str:
    """The message of Ready."""
    found = condition(made.status, "Ready")
    return str(found["message"]) if found else ""


def running() -> tuple[Observed, Decision]:
    """A look whose decision started attempt 1."""
    o = look()
    return o, decide(o)


def sum_of(count: int) -> str:
    """The checksum of files 1 to `count`."""
    return checksum(files(count), count)
