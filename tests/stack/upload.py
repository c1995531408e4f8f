"""Files of a register sent to the jobs service as a person would: a form, streamed from disk."""

import http.client
import json
import secrets
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.stack.errors import StackError

FORMATS = ("fl", "ca", "iaca")
SUFFIXES = (".zip", ".txt", ".csv", ".xml", ".psv", ".dat")
_PIECE = 256 * 1024
_TIMEOUT_S = 600.0


def chosen(file: str, form: str) -> list[Path]:
    """The files that FILE names: one, several with commas between, or all of a folder."""
    if form not in FORMATS:
        raise StackError(
            f"FORMAT={form or '?'} is none: say fl (Florida), ca (California's master unload) "
            "or iaca (IACA XML, with STATE=)."
        )
    found: list[Path] = []
    for name in filter(None, map(str.strip, file.split(","))):
        path = Path(name).expanduser()
        if path.is_dir():
            found += sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
        else:
            found.append(path)
    if not found:
        raise StackError(f"FILE={file} is a folder without files like {', '.join(SUFFIXES)}.")
    for path in found:
        _check(path)
    return found


def _check(path: Path) -> None:
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise StackError(f"FILE={path} is empty.")
    except FileNotFoundError:
        raise StackError(f"FILE={path} does not exist.") from None
    except OSError as error:
        raise StackError(f"FILE={path} cannot be read: {error.strerror}.") from None


def send(
    url: str, token: str, files: list[Path], query: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    """POST the files; status and decoded answer. Raises StackError where nobody answers."""
    where = urllib.parse.urlsplit(url)
    boundary = secrets.token_hex(16)
    heads = [_head(boundary, path.name) for path in files]
    tail = f"--{boundary}--\r\n".encode()
    size = sum(len(head) + path.stat().st_size + 2 for head, path in zip(heads, files, strict=True))
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Content-Length": str(size + len(tail)),
    }
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=_TIMEOUT_S)
    try:
        path = f"{where.path}?{urllib.parse.urlencode(query)}"
        connection.request("POST", path, _body(heads, files, tail), headers)
        return _answer(connection)
    except (ConnectionError, TimeoutError):
        try:  # a service that refuses answers before it has read everything
            return _answer(connection)
        except (OSError, http.client.HTTPException) as error:
            raise StackError(
                f"jobs does not take files at {url} ({error}): see make status."
            ) from None
    except OSError as error:
        raise StackError(f"jobs does not answer at {url} ({error}): see make status.") from None
    finally:
        connection.close()


def _answer(connection: http.client.HTTPConnection) -> tuple[int, dict[str, Any]]:
    response = connection.getresponse()
    body = response.read()
    try:
        told: dict[str, Any] = json.loads(body)
    except ValueError:
        told = {"detail": body[:200].decode("utf-8", "replace") or response.reason}
    return response.status, told


def _head(boundary: str, name: str) -> bytes:
    quoted = name.replace("\\", "_").replace('"', "_").replace("\r", "_").replace("\n", "_")
    return (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{quoted}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()


def _body(heads: list[bytes], files: list[Path], tail: bytes) -> Iterator[bytes]:
    for head, path in zip(heads, files, strict=True):
        yield head
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
        yield b"\r\n"
    yield tail
