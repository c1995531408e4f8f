"""Migration files for tests, each of which writes down that it ran: `ran` has a row a run.

A file that ran twice shows as two rows, whatever schema_migrations says.
"""

from collections.abc import Mapping

from tests.support.stack import TestDatabase

Files = dict[str, str]
HOLD = 1962
"""The advisory lock that a held file waits for."""
RAN = "CREATE TABLE IF NOT EXISTS ran (n bigserial PRIMARY KEY, file text NOT NULL)"


def table(number: int, extra: str = "") -> Files:
    """Migration `number`: a table t<number>, and back; `extra` runs before it."""
    name = f"{number:04d}_t{number}"
    first = f"{RAN};\n" if number == 1 else ""
    up = f"{first}{extra}CREATE TABLE t{number} (id bigint PRIMARY KEY);\n{note(name)}"
    return pair(name, up, f"DROP TABLE t{number};\n")


def tables(count: int, first: int = 1) -> Files:
    """Migrations `first` to `first + count - 1`."""
    made: Files = {}
    for number in range(first, first + count):
        made |= table(number)
    return made


def pair(name: str, up: str, down: str = "SELECT 1;\n", header: str = "") -> Files:
    """Both files of a migration."""
    return {f"{name}.up.sql": header + up, f"{name}.down.sql": down}


def held(number: int) -> Files:
    """Migration `number`, which runs for as long as the test is in `bystanders.holding`."""
    name = f"{number:04d}_held"
    locked = f"NOT pg_try_advisory_xact_lock_shared({HOLD})"
    wait = f"DO $$ BEGIN WHILE {locked} LOOP PERFORM pg_sleep(0.05); END LOOP; END $$;\n"
    return pair(name, wait + note(name))


def contract(number: int, version: str, up: str) -> Files:
    """A contract migration that waits for `version` of the code."""
    header = f"-- phase: contract\n-- transaction: true\n-- min_app_version: {version}\n\n"
    return pair(f"{number:04d}_c{number}", up + note(f"{number:04d}_c{number}"), header=header)


def note(name: str) -> str:
    """The statement that writes down that file `name` ran."""
    return f"INSERT INTO ran (file) VALUES ('{name}');\n"


def ran(database: TestDatabase) -> list[str]:
    """The names of the files that ran and were committed, in their order."""
    return database.psql("SELECT file FROM ran ORDER BY n").split()


def joined(*parts: Mapping[str, str]) -> Files:
    """Files of several migrations as one source."""
    made: Files = {}
    for part in parts:
        made |= part
    return made
