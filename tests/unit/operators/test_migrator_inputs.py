"""What a Secret and a ConfigMap hold, or what is wrong with it."""

import base64
from typing import Any, cast

import pytest

from operators.migrator.inputs import dsn_of, source_of
from operators.migrator.kube import Kube
from operators.migrator.spec import SecretRef
from tests.unit.operators.looks import data, spec

Json = dict[str, Any]


class Server:
    """Has one Secret or ConfigMap."""

    def __init__(self, body: Json) -> None:
        self.body = {"metadata": {"uid": "u", "resourceVersion": "7"}, **body}

    async def secret(self, namespace: str, name: str) -> Json:
        return self.body

    config_map = secret


def holding(url: str) -> Kube:
    value = base64.b64encode(url.encode()).decode()
    return cast(Kube, Server({"data": {"DATABASE_DIRECT_URL": value}}))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://migrator:secret@orders-db:5432/orders",
        "postgres://migrator@10.0.0.7/orders?sslmode=require",
        "postgresql://m:p%23s%40s%2F@[fd00::1]:5432/orders",
        "postgresql://m:a:b!$&'()*+,;=~@one:5432,two:5433/orders?target_session_attrs=read-write",
        "postgresql:///orders?host=/var/run/postgresql",
    ],
)
async def test_a_dsn(url: str) -> None:
    found = await dsn_of(holding(url), "team", SecretRef(name="db"))
    assert (found.url, found.problem, found.version) == (url, None, "u/7")


@pytest.mark.parametrize("mark", ["#", "/", "?", "@", "[", " "])
@pytest.mark.parametrize("ends", ["hun{}ter", "12{}34"])
@pytest.mark.parametrize("tail", ["db:5432/orders", "db/orders", "db"])
async def test_a_password_that_is_not_encoded_is_told_and_not_shown(
    mark: str, ends: str, tail: str
) -> None:
    url = f"postgresql://migrator:{ends.format(mark)}@{tail}"
    found = await dsn_of(holding(url), "team", SecretRef(name="db"))
    assert found.problem and found.problem.code == "secret_missing" and not found.url
    assert "%23" in found.problem.message and "Secret db" in found.problem.message
    assert "hun" not in found.problem.message and "34" not in found.problem.message


@pytest.mark.parametrize(
    "url", ["", "orders", "mysql://db/orders", " postgresql://db/o", "postgresql://db/o\n",
            "postgresql://db:port/orders"],
)  # fmt: skip
async def test_what_is_no_dsn(url: str) -> None:
    found = await dsn_of(holding(url), "team", SecretRef(name="db"))
    assert found.problem and found.problem.code == "secret_missing"


async def test_files_that_are_no_text_are_named_and_not_left_out() -> None:
    odd = {"0002_latin.up.sql": "5A==", "0002_latin.down.sql": "5A=="}
    server = cast(Kube, Server({"data": data(1), "binaryData": odd}))
    found = await source_of(server, "team", spec())
    assert found.problem and found.problem.code == "source_invalid"
    assert "0002_latin.up.sql" in found.problem.message
    assert found.files is None
