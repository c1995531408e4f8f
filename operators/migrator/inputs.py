"""Reads the Secret and the ConfigMap that a spec names: what is in them, or what is wrong."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from migrations.files import Migration, load_mapping
from operators.migrator.kube import Kube
from operators.migrator.observed import Problem
from operators.migrator.spec import SecretRef, Spec
from services.common.errors import AppError

_HOST = r"(?:\[[0-9a-fA-F:.]*\]|[^:,@/?#\[\]\s]*)(?::\d+)?"
_DSN = re.compile(
    rf"postgres(?:ql)?://(?:[^@/?#\[\]\s]*@)?{_HOST}(?:,{_HOST})*(?:/[^@?#\s]*)?(?:\?[^@#\s]*)?"
)


@dataclass(frozen=True, slots=True)
class Source:
    """The files of a ConfigMap, where it is one; `revision` changes with what is in it."""

    revision: str | None
    files: Sequence[Migration] | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Dsn:
    """The DSN of a Secret and the version of the Secret."""

    version: str
    url: str = ""
    problem: Problem | None = None


async def dsn_of(kube: Kube, namespace: str, ref: SecretRef) -> Dsn:
    secret = await kube.secret(namespace, ref.name)
    if secret is None:
        text = f"There is no Secret {ref.name}: create it with the direct DSN under {ref.key}."
        return Dsn("", problem=Problem("secret_missing", text))
    version = f"{secret['metadata']['uid']}/{secret['metadata']['resourceVersion']}"
    if (value := (secret.get("data") or {}).get(ref.key)) is None:
        text = f"Secret {ref.name} has no key {ref.key}: put the direct DSN there."
        return Dsn(version, problem=Problem("secret_missing", text))
    try:
        url = base64.b64decode(value).decode()
    except (binascii.Error, UnicodeDecodeError):
        url = ""
    if not _DSN.fullmatch(url):
        text = (
            f"Key {ref.key} of Secret {ref.name} is no DSN: it must be "
            "postgresql://user:password@host:5432/database, without white space, and with %23, "
            "%2F, %3F, %40 for # / ? @ in a password."
        )
        return Dsn(version, problem=Problem("secret_missing", text))
    return Dsn(version, url)


async def source_of(kube: Kube, namespace: str, spec: Spec) -> Source:
    ref = spec.source.config_map_ref
    if ref is None:
        return Source(_digest(spec.source.image or ""))
    found = await kube.config_map(namespace, ref.name)
    if found is None:
        text = f"There is no ConfigMap {ref.name}: create it with the SQL files as its keys."
        return Source(None, problem=Problem("source_missing", text))
    if odd := sorted(found.get("binaryData") or {}):
        text = f"ConfigMap {ref.name}: no UTF-8 text, so not under data: {', '.join(odd[:5])}."
        return Source(_digest(str(odd)), problem=Problem("source_invalid", text))
    data = found.get("data") or {}
    revision = _digest(json.dumps(data, sort_keys=True))
    try:
        return Source(revision, load_mapping(data))
    except AppError as exc:
        text = f"ConfigMap {ref.name}: {exc.detail}"
        return Source(revision, problem=Problem("source_invalid", text))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
