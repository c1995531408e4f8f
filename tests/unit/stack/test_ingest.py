"""Triggering an ingestion, against a stand-in of the jobs and prospects services."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.stack import commands, ingest
from tests.stack.config import Config
from tests.stack.errors import StackError

TOP = {
    "company_name": "HARBOR GRILL LLC", "state": "CO", "priority_score": 91, "stack_depth": 3,
    "mca": {"value": "certain", "evidence": []}, "renewal_due": None, "industry": "restaurant",
}  # fmt: skip


class Services(BaseHTTPRequestHandler):
    """Answers as the jobs service does; `last` is how every job ends."""

    last: ClassVar[dict[str, Any]] = {}
    posted: ClassVar[list[tuple[str, Any]]] = []
    refusal: ClassVar[dict[str, Any]] = {}

    def do_POST(self) -> None:
        """202 with a queued job, or `refusal`."""
        data = self.rfile.read(int(self.headers["Content-Length"]))
        form = self.headers["Content-Type"].startswith("multipart/form-data")
        self.posted.append((self.path, data if form else json.loads(data)))
        if form and self.refusal:
            self._answer(self.refusal, self.refusal["status"])
            return
        job = {"id": 7, "kind": "ingestion.file", "state": "queued", "progress": {}, "error": None}
        self._answer(job, 202)

    def do_GET(self) -> None:
        """The finished job, or the page of prospects."""
        page = {"prospects": [TOP], "pagination": {"total": 1}}
        self._answer(page if self.path.startswith("/api/prospects") else self.last)

    def _answer(self, body: dict[str, Any], status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Be quiet."""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Config]:
    monkeypatch.setattr(commands, "token", lambda *_: "token")
    monkeypatch.setattr(ingest, "POLL_S", 0.01)
    monkeypatch.setattr(ingest, "LOOK_AGAIN_S", 0.01)
    monkeypatch.setattr(Services, "posted", [])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Services)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    port = server.server_address[1]
    made = Config(tmp_path, {"jobs": port, "prospects": port}, {})
    made.claim_folder()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def ends(monkeypatch: pytest.MonkeyPatch, state: str, **fields: Any) -> None:
    job = {"id": 7, "state": state, "progress": {}, "error": None} | fields
    monkeypatch.setattr(Services, "last", job)


def test_a_source_and_a_date_are_asked_for(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    ends(monkeypatch, "succeeded")
    ingest.ingest(config, "co", "2026-09-01", "")
    assert Services.posted == [("/api/jobs/ingestion", {"source": "co", "since": "2026-09-01"})]


def test_the_job_id_and_its_counts_are_printed(
    config: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ends(monkeypatch, "succeeded", progress={"documents": 1200, "quarantined": 3, "pages": []})
    ingest.ingest(config, "sample", "", "")
    assert "job 7: succeeded" in (out := capsys.readouterr().out)
    assert "documents 1200, quarantined 3\n" in out


def test_a_dead_job_is_an_error(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    ends(monkeypatch, "dead", error="2 of 9 children dead: #8 #9")
    with pytest.raises(StackError, match="job 7 is dead: 2 of 9 children dead"):
        ingest.ingest(config, "co", "", "")


def test_a_register_that_cannot_be_reached_is_said_plainly(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(monkeypatch, "dead", error={"class": "SourceUnavailable", "message": "no route"})
    with pytest.raises(StackError, match=r"'co' could not be reached.*SOURCE_CO_URL.*no route"):
        ingest.ingest(config, "co", "", "")


def test_the_sample_is_ingested_once_and_its_best_shown(
    config: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ends(monkeypatch, "succeeded")
    ingest.sample(config)
    ingest.sample(config)
    assert [path for path, _ in Services.posted] == ["/api/jobs/ingestion", "/api/jobs/scoring"]
    row = capsys.readouterr().out.splitlines()[-1]
    assert row.split() == "91 CO certain 3 - restaurant HARBOR GRILL LLC".split()


def test_a_missing_source_is_asked_for(config: Config) -> None:
    with pytest.raises(StackError, match="SOURCE=co"):
        ingest.ingest(config, "", "", "")


def test_files_are_sent_as_a_form(
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    ends(monkeypatch, "succeeded", result={"documents": 5, "quarantined": 1})
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("filings.csv", "debtors.txt", "notes.md"):
        (folder / name).write_bytes(b"Ucc1FilingNumber|x\n")
    ingest.ingest(config, "", "", str(folder), "fl")
    [(path, body)] = Services.posted
    assert path == "/api/jobs/ingestion/files?format=fl"
    assert body.count(b"Ucc1FilingNumber|x\n\r\n--") == 2
    assert b'filename="filings.csv"' in body
    assert b"notes.md" not in body
    out = capsys.readouterr().out
    assert out.startswith("sending debtors.txt, filings.csv (0.0 MB)\njob 7: ingestion.file fl\n")
    assert "job 7: succeeded" in out
    assert "documents 5, quarantined 1" in out


def test_several_files_are_named_with_commas(
    config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ends(monkeypatch, "succeeded")
    for name in ("a.xml", "b.xml"):
        (tmp_path / name).write_text("<d/>")
    ingest.ingest(config, "", "", f"{tmp_path}/a.xml, {tmp_path}/b.xml", "iaca", "CA")
    [(path, body)] = Services.posted
    assert path == "/api/jobs/ingestion/files?format=iaca&state=CA"
    assert body.count(b"filename=") == 2


def test_a_refused_file_is_said_plainly(
    config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refusal = {"status": 422, "detail": "a.csv is no file of Florida's download"}
    monkeypatch.setattr(Services, "refusal", refusal)
    (tmp_path / "a.csv").write_text("x")
    with pytest.raises(StackError, match=r"^jobs answered 422: a.csv is no file of Florida's"):
        ingest.ingest(config, "", "", f"{tmp_path}/a.csv", "fl")


def test_a_dead_file_job_is_an_error(
    config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ends(monkeypatch, "dead", error={"class": "Unprocessable", "message": "a.xml: line 3"})
    (tmp_path / "a.xml").write_text("<d/>")
    with pytest.raises(StackError, match=r"job 7 is dead: .*a.xml: line 3"):
        ingest.ingest(config, "", "", f"{tmp_path}/a.xml", "iaca", "CA")


@pytest.mark.parametrize(
    ("file", "form", "reason"),
    [
        ("missing.csv", "fl", r"missing.csv does not exist"),
        ("empty.csv", "fl", r"empty.csv is empty"),
        (".", "fl", r"is a folder without files like .zip"),
        ("empty.csv", "", r"FORMAT=\? is none: say fl \(Florida\)"),
        ("empty.csv", "xlsx", r"FORMAT=xlsx is none"),
    ],
)
def test_a_file_that_cannot_be_sent_is_said_in_one_sentence(
    config: Config, tmp_path: Path, file: str, form: str, reason: str
) -> None:
    folder = tmp_path / "only"
    folder.mkdir()
    (tmp_path / "empty.csv").touch()
    where = str(folder if file == "." else tmp_path / file)
    with pytest.raises(StackError, match=reason):
        ingest.ingest(config, "", "", where, form)


def test_a_source_and_a_file_at_once_are_refused(config: Config, tmp_path: Path) -> None:
    with pytest.raises(StackError, match="SOURCE= for a register that is asked, or FILE="):
        ingest.ingest(config, "fl", "", str(tmp_path), "fl")
