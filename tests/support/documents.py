"""Written files that must say what the code says: settings in README.md, openapi.json, schema.sql.

`python -m tests.support.documents` (make documents) writes the first two again; unit tests compare.
"""

import subprocess
import sys
from pathlib import Path

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
)
APIS = ("prospects", "jobs")


def settings_table() -> str:
    """The markdown table of every environment variable, from the settings classes."""
    return _run("services.common.config", *SETTINGS)


def openapi(service: str) -> str:
    """The OpenAPI document of a service, from its routes."""
    return _run(f"services.{service}", "openapi")


def readme_with(table: str) -> str:
    """README.md with the settings table put in its place."""
    text = README.read_text()
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}\n{table.strip()}\n{END}{rest.split(END)[1]}"


def write() -> None:
    """Write the README's table and every openapi.json."""
    README.write_text(readme_with(settings_table()))
    for service in APIS:
        (REPO / "services" / service / "openapi.json").write_text(openapi(service))


def _run(*arguments: str) -> str:
    """In a process of its own: metrics and settings are global to one."""
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    write()
