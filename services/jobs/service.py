"""Decisions of the jobs API: which job a request means, and who may see what. Pure."""

from hashlib import blake2b
from typing import Any, TypeVar

from pydantic import BaseModel

from services.common.context import Principal
from services.common.jobs import NewJob
from services.common.types import Role
from services.jobs.models import (
    EnrichmentRequest,
    IngestionRequest,
    Job,
    JobError,
    ScoringRequest,
)
from services.jobs.models_files import FileQuery
from services.jobs.models_quarantine import ReplayRequest
from services.jobs.models_steering import BulkRequest

J = TypeVar("J", bound=Job)
REQUESTERS = frozenset({Role.ADMIN, Role.ANALYST, Role.SERVICE})


def ingestion(request: IngestionRequest) -> NewJob:
    """One run of a register at a time; asking twice for the same run gives the same job."""
    return _asked("ingestion", request)


def enrichment(request: EnrichmentRequest) -> NewJob:
    """Enrich the named prospects."""
    return _asked("enrichment", request)


def scoring(request: ScoringRequest) -> NewJob:
    """Score the named prospects, or all."""
    return _asked("scoring", request)


def file(upload_id: int, asked: FileQuery, digest: str) -> NewJob:
    """Read the files of an upload; the very same files are read once at a time."""
    args = {"source": asked.office.lower(), "format": asked.format, "upload": upload_id}
    as_of = {"as_of": asked.as_of.isoformat()} if asked.as_of else {}
    kind = "ingestion.file"
    return NewJob(
        kind=kind,
        queue="ingestion",
        args=args | as_of,
        dedupe_key=f"{kind}:{args['source']}:{asked.format}:{asked.as_of}:{digest}",
        serial_key=serial_key(kind, args),
    )


def replay(entry_id: int, register: str, request: ReplayRequest) -> NewJob:
    """Replay a quarantined row; replays of one entry run one after the other."""
    args = {"source": register, "entry": entry_id, "row": request.row}
    digest = blake2b(request.model_dump_json().encode(), digest_size=16).hexdigest()
    return NewJob(
        kind="ingestion.replay",
        queue="ingestion",
        args=args,
        dedupe_key=f"ingestion.replay:{entry_id}:{digest}",
        serial_key=f"ingestion.replay:{entry_id}",
    )


def bulk(request: BulkRequest) -> NewJob:
    """Do something to every job that matches; asking twice while it runs gives the same job."""
    return _asked("jobs.bulk", request, queue="maintenance")


def serial_key(kind: str, args: dict[str, Any]) -> str | None:
    """Runs that must not overlap: those of one register, sweeps, and roll-overs to a new day."""
    if kind in ("ingestion", "ingestion.file"):
        return f"ingestion:{args.get('source')}"
    alone = kind in ("as_of", "enrichment.stale") or kind.startswith("maintenance.")
    return kind if alone else None


def shown_to(principal: Principal, job: J) -> J:
    """The job without what only admins may see."""
    return job.model_copy(update={"error": error_shown_to(principal, job.error)})


def error_shown_to(principal: Principal, error: JobError | None) -> JobError | None:
    """The error; its traceback is for admins."""
    if error is None or principal.role is Role.ADMIN:
        return error
    return error.model_copy(update={"traceback": None})


def _asked(kind: str, request: BaseModel, queue: str | None = None) -> NewJob:
    args = request.model_dump(mode="json", exclude_none=True)
    digest = blake2b(request.model_dump_json().encode(), digest_size=16).hexdigest()
    return NewJob(
        kind=kind,
        queue=queue or kind,
        args=args,
        dedupe_key=f"{kind}:{digest}",
        serial_key=serial_key(kind, args),
    )
