"""Asking for exports and reading what comes, for the tests of exports."""

import csv
import io
import re
import zipfile
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import orjson
from multidict import CIMultiDictProxy

from services.common.http import token
from services.common.types import Role
from services.prospects.export_models import COLUMNS
from tests.integration.prospects.support import Desk
from tests.support.stack import TestDatabase

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
TRAIL = (
    "SELECT coalesce(json_agg(json_build_array(subject, action, after) ORDER BY id), '[]')"
    " FROM audit_logs WHERE entity = 'export'"
)


@dataclass(frozen=True)
class File:
    """An answer that is a file, or why there is none."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.body)

    @property
    def csv(self) -> list[dict[str, str]]:
        """The body as rows of CSV."""
        return list(csv.DictReader(io.StringIO(self.body.decode(), newline="")))

    @property
    def sheet(self) -> list[dict[str, str]]:
        """The body as rows of an Excel file: each cell as its type, a colon and its value."""
        with zipfile.ZipFile(io.BytesIO(self.body)) as parts:
            root = ElementTree.fromstring(parts.read("xl/worksheets/sheet1.xml"))
        rows = []
        for line in root.iter(f"{_MAIN}row"):
            assert line.find(f".//{_MAIN}f") is None, "a formula"
            rows.append({re.sub(r"\d", "", c.attrib["r"]): _value(c) for c in line})
        letters = {letter: value.removeprefix("inlineStr:") for letter, value in rows[0].items()}
        assert tuple(letters.values()) == COLUMNS
        return [{letters[letter]: value for letter, value in row.items()} for row in rows[1:]]


def _value(cell: ElementTree.Element) -> str:
    return f"{cell.get('t', 'n')}:{''.join(cell.itertext())}"


async def export(desk: Desk, form: str, **asked: object) -> File:
    """POST /api/prospects/export as ann."""
    return await ask(desk, "POST", "/export", {"format": form} | asked)


async def ask(
    desk: Desk,
    method: str,
    path: str,
    body: object = None,
    user: str = "ann",
    role: Role = Role.ANALYST,
) -> File:
    """Any request, its body unread."""
    headers = {"Authorization": f"Bearer {token.make(desk.settings, role, user)}"}
    address = path if path.startswith("/api") else f"/api/prospects{path}"
    async with desk.client.request(method, address, json=body, headers=headers) as answer:
        return File(answer.status, answer.headers, await answer.read())


def trail(database: TestDatabase) -> list[tuple[str, str, dict[str, Any]]]:
    """Who did what: entries of exports in the audit trail, oldest first."""
    return [(who, what, after) for who, what, after in orjson.loads(database.psql(TRAIL))]
