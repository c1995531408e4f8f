"""Trigger an ingestion over HTTP as a person would, wait for it, and show what came of it."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from tests.stack import commands, upload
from tests.stack.config import Config
from tests.stack.errors import StackError

POLL_S = 0.5
WAIT_S = 3600.0
SETTLE_S = 60.0
LOOK_AGAIN_S = 1.0
SETTLED = ("succeeded", "dead", "cancelled")
TOP = 10
SAMPLE_DONE = "sample-ingested.json"


class Api:
    """The jobs and prospects services of a stack, called with one token."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._token = commands.token(config, "service", "")
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, service: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """GET, or POST with a body; the decoded answer; StackError for anything but a 2xx."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._config.url(service) + path, data, headers)
        try:
            with self._opener.open(request, timeout=30) as response:
                answer: dict[str, Any] = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            raise StackError(
                f"{service} answered {error.code} to {path}: {_reason(error)}"
            ) from None
        except OSError as error:
            raise StackError(
                f"{service} does not answer at {request.full_url} ({error}): see make status."
            ) from None

    def upload(self, files: list[Path], query: dict[str, str]) -> dict[str, Any]:
        """Send a register's files; the job that reads them; StackError for anything else."""
        url = self._config.url("jobs") + "/api/jobs/ingestion/files"
        status, answer = upload.send(url, self._token, files, query)
        if status != 202:
            raise StackError(f"jobs answered {status}: {_told(answer, str(status))}")
        return answer


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return _told(json.load(error), str(error.reason))
    except ValueError:
        return str(error.reason)


def _told(problem: Any, otherwise: str) -> str:
    try:
        return "; ".join([problem["detail"], *(e["detail"] for e in problem.get("errors", []))])
    except (KeyError, TypeError):
        return otherwise


def ingest(
    config: Config, source: str, since: str, file: str, form: str = "", state: str = ""
) -> None:
    """Ingest a source since a date, or files; StackError (exit 1) where it does not succeed."""
    if file:
        if source:
            raise StackError("say SOURCE= for a register that is asked, or FILE= and FORMAT=.")
        _ingest_files(config, upload.chosen(file, form), form, state)
        return
    if form or not source:
        raise StackError(
            "say which register: make ingest SOURCE=co|ct|fl|or|sample [SINCE=2026-09-01], "
            "or which files: make ingest FILE=... FORMAT=fl|ca|iaca [STATE=CA]"
        )
    body = {"source": source} | ({"since": since} if since else {})
    _run(Api(config), "ingestion", body)


def _ingest_files(config: Config, files: list[Path], form: str, state: str) -> None:
    api = Api(config)
    size = sum(path.stat().st_size for path in files)
    names = ", ".join(path.name for path in files)
    print(f"sending {names} ({size / 1e6:.1f} MB)", flush=True)
    job = api.upload(files, {"format": form} | ({"state": state} if state else {}))
    print(f"job {job['id']}: {job['kind']} {form}", flush=True)
    _wait(api, job, form)


def sample(config: Config) -> None:
    """Ingest and score the sample register, once in the life of a stack; show the best."""
    api = Api(config)
    done = config.folder / SAMPLE_DONE
    if not done.exists():
        job = _run(api, "ingestion", {"source": "sample"})
        _run(api, "scoring", {})
        done.write_text(json.dumps(job))
    _print_top(_settled(api))


def _run(api: Api, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    job: dict[str, Any] = api.call("jobs", f"/api/jobs/{kind}", body)
    print(f"job {job['id']}: {kind} {' '.join(map(str, body.values()))}".rstrip(), flush=True)
    return _wait(api, job, body.get("source", kind))


def _wait(api: Api, job: dict[str, Any], source: str) -> dict[str, Any]:
    """Wait until a job has ended; StackError where it did not succeed."""
    begun, told = time.monotonic(), 0
    while job["state"] not in SETTLED:
        if time.monotonic() - begun > WAIT_S:
            raise StackError(
                f"job {job['id']} is still {job['state']} after an hour: see make logs."
            )
        if job["state"] == "retryable" and told < job["attempt"]:
            told = job["attempt"]
            print(f"job {job['id']}: attempt {told} failed, will be tried again", flush=True)
        time.sleep(POLL_S)
        job = api.call("jobs", f"/api/jobs/{job['id']}")
    seconds = time.monotonic() - begun
    counts = _counts(job.get("result") or job["progress"])
    print(f"job {job['id']}: {job['state']} after {seconds:.1f} s; {counts}", flush=True)
    if job["state"] != "succeeded":
        raise StackError(_failure(job, source))
    return job


def _counts(progress: dict[str, Any] | None) -> str:
    plain = {k: v for k, v in (progress or {}).items() if isinstance(v, int | float | str)}
    return ", ".join(f"{name} {value}" for name, value in plain.items()) or "no counts"


def _failure(job: dict[str, Any], source: str) -> str:
    error = job["error"]
    text = error if isinstance(error, str) else json.dumps(error)
    if "SourceUnavailable" in text:
        said = error["message"] if isinstance(error, dict) else text
        return (
            f"the register '{source}' could not be reached: check that this machine has internet "
            f"access, or set SOURCE_{source.upper()}_URL and run make up again. {said}"
        )
    return f"job {job['id']} is {job['state']}: {text}"


def _settled(api: Api) -> list[dict[str, Any]]:
    """The top prospects, once two looks agree: scoring goes on behind."""
    query = urllib.parse.urlencode(
        {"sort_by": "priority_score", "sort_order": "desc", "limit": TOP}
    )
    end = time.monotonic() + SETTLE_S
    last: dict[str, Any] = {"prospects": []}
    while time.monotonic() < end:
        page = api.call("prospects", f"/api/prospects?{query}")
        if page == last:
            break
        last = page
        time.sleep(LOOK_AGAIN_S)
    return list(last["prospects"])


def _print_top(prospects: list[dict[str, Any]]) -> None:
    if not prospects:
        print("there are no prospects yet")
        return
    columns = ("priority_score", "state", "mca", "stack_depth", "renewal_due", "industry")
    rows: list[tuple[str, ...]] = [
        ("SCORE", "STATE", "MCA", "STACK", "RENEWAL", "INDUSTRY", "COMPANY")
    ]
    for prospect in prospects:
        texts = [_text(prospect, name) for name in (*columns, "company_name")]
        rows.append(tuple(texts))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        )


def _text(row: dict[str, Any], name: str) -> str:
    """A field as text: the value alone of one that carries its evidence, '-' for none."""
    value = row.get(name)
    if isinstance(value, dict):
        value = value.get("value", value.get(name))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)
