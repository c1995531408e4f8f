"""Written files that must say what the code says: README.md's settings, openapi.json, access.md.

`python -m tests.support.documents` (make documents) writes them again; unit tests compare.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.common.types import Role

REPO = Path(__file__).parents[2]
README = REPO / "README.md"
BEGIN, END = "<!-- settings: written by `make documents` -->", "<!-- /settings -->"
SETTINGS = (
    "services.prospects.settings",
    "services.jobs.settings",
    *(f"services.pipelines.{n}.settings" for n in ("ingestion", "enrichment", "scoring")),
    "services.pipelines.maintenance.settings",
    "services.sample_register.settings",
    "migrations.settings",
    "operators.migrator.settings",
)
APIS = ("prospects", "jobs")
ACCESS = REPO / "services" / "access.md"
_ACCESS_HEAD = """# Who may call what

The one table of endpoint and role, over all services. It is written by `make documents` from the
routes, which enforce it; `tests/unit/documents/test_access.py` walks it over HTTP, every cell.
"""


def settings_table() -> str:
    """The markdown table of every environment variable, from the settings classes."""
    return _run("services.common.config", *SETTINGS)


def openapi(service: str) -> str:
    """The OpenAPI document of a service, from its routes."""
    return _run(f"services.{service}", "openapi")


def access_table(documents: Mapping[str, Any]) -> str:
    """The Markdown page of endpoint x role, from each service's OpenAPI document."""
    columns = [*map(str, Role), "no token"]
    lines = ["", f"| endpoint | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    for endpoint, allowed in sorted(access(documents).items()):
        cells = ["yes" if column in allowed else "no" for column in columns]
        lines.append(f"| {endpoint} | {' | '.join(cells)} |")
    return _ACCESS_HEAD + "\n".join(lines) + "\n"


def access(documents: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """`GET /path` -> the roles let in, with `no token` where everyone is."""
    everyone = [*map(str, Role), "no token"]
    return {
        f"{method.upper()} {path}": frozenset(operation.get("x-roles", everyone))
        for document in documents.values()
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


def readme_with(table: str) -> str:
    """README.md with the settings table put in its place."""
    text = README.read_text()
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}\n{table.strip()}\n{END}{rest.split(END)[1]}"


def write() -> None:
    """Write the README's table, every openapi.json and the table of access."""
    README.write_text(readme_with(settings_table()))
    documents = {service: openapi(service) for service in APIS}
    for service, document in documents.items():
        (REPO / "services" / service / "openapi.json").write_text(document)
    ACCESS.write_text(access_table({s: json.loads(text) for s, text in documents.items()}))


def _run(*arguments: str) -> str:
    """In a process of its own: metrics and settings are global to one."""
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    write()
