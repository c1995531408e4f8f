"""The lines of README.md, section "Use the API", run as a person would paste them."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import documents
from tests.support.processes import process
from tests.support.stack import TestDatabase, TestStack, create_database, drop_database

HERE = Path(__file__).parent
SEEDS = (HERE.parent / "prospects" / "seed.sql", HERE / "jobs.sql")
SECTION = documents.README.read_text().split("\n## Use the API\n")[1].split("\n## ")[0]
SCRIPT = "\n".join(re.findall(r"^```sh\n(.*?)^```", SECTION, re.M | re.S))
REFUSALS = [int(status) for status in re.findall(r"# (\d{3})$", SCRIPT, re.M)]
"""What the lines say that they are answered where it is not 2xx."""

# a line that fails ends it; every answer leaves its head in $HEADS
PREFACE = """
set -euo pipefail
make() { case "$*" in *ROLE=analyst*) echo "$ANALYST" ;; *) echo "$ADMIN" ;; esac; }
curl() { command curl -D "$(mktemp "$HEADS/$(date +%s%N).XXXX")" "$@"; }
"""


@dataclass(frozen=True)
class Run:
    """What came of the lines."""

    statuses: list[int]
    output: str
    folder: Path


@pytest.fixture(scope="module")
def database(stack: TestStack, template_database: TestDatabase) -> Iterator[TestDatabase]:
    """The seeds of both services in one database."""
    made = create_database(stack, "contract_readme", template_database.name)
    for seed in SEEDS:
        made.psql(seed.read_text())
    yield made
    drop_database(stack, made.name)


@pytest.fixture(scope="module")
def run(stack: TestStack, database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All lines in one shell, against the services and the worker that scores."""
    folder = tmp_path_factory.mktemp("readme")
    urls = {"DATABASE_URL": database.url, "DATABASE_DIRECT_URL": database.direct_url}
    environment = stack.environment() | urls | {"TOPIC_PREFIX": "readme.", "RATE_LIMIT_MAX": "1000"}
    stack.run("services.common.kafka.topics", "create", env=environment)
    with ExitStack() as running:
        address = {
            name: running.enter_context(process(f"services.{name}", environment, folder)).url
            for name in ("prospects", "jobs", "pipelines.scoring")
        }
        script = SCRIPT.replace("http://127.0.0.1:8001", address["prospects"])
        script = script.replace("http://127.0.0.1:8005", address["jobs"])
        return _pasted(PREFACE + script, stack, folder)


def _pasted(script: str, stack: TestStack, folder: Path) -> Run:
    heads = folder / "heads"
    heads.mkdir()
    bash = shutil.which("bash")
    assert bash
    given = {
        "ANALYST": stack.token("analyst", "reader"),
        "ADMIN": stack.token("admin"),
        "HEADS": str(heads),
    }
    done = subprocess.run(
        [bash, "-c", script],
        cwd=folder,
        env=os.environ | given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    statuses = [int(head.read_text().split()[1]) for head in sorted(heads.iterdir())]
    return Run(statuses, done.stdout, folder)


def test_every_line_is_answered_as_it_says(run: Run) -> None:
    lines = re.sub(r"^\w+\(\) \{.*$", "", SCRIPT, flags=re.M)
    assert len(run.statuses) >= lines.count("api ") + lines.count("$(etag") > 30
    assert [status for status in run.statuses if not 200 <= status < 300] == REFUSALS


def test_what_is_taken_along_is_there(run: Run) -> None:
    assert (run.folder / "prospects.csv").read_text().startswith("company_name,")
    assert (run.folder / "prospects.json").read_text().startswith("[")
    assert (run.folder / "prospects.xlsx").read_bytes().startswith(b"PK")


def test_a_job_is_waited_for(run: Run) -> None:
    assert "\nsucceeded\n" in run.output


def test_a_refusal_names_the_field_and_what_is_left(run: Run) -> None:
    assert '"pointer":"/query/min_score"' in run.output
    assert "RateLimit: " in run.output
