from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import commands
from tests.stack.config import REPO, Config
from tests.stack.errors import StackError
from tests.stack.spec import Spec, in_order
from tests.stack.table import revision


@pytest.fixture
def specs(tmp_path: Path) -> Iterator[dict[str, Spec]]:
    config = Config.from_environment(
        {"STACK_DIR": str(tmp_path / "s"), "SOURCE_OR_URL": "http://x"}
    )
    config.claim_folder()
    yield {spec.name: spec for spec in commands.prepare(config)}
    commands.reset(config)


def test_the_table_has_an_order(specs: dict[str, Spec]) -> None:
    assert len(in_order(specs.values())) == len(specs)


def test_topics_and_migrations_come_before_workers(specs: dict[str, Spec]) -> None:
    for name in ("ingestion", "enrichment", "scoring", "maintenance"):
        assert {"topics", "migrations"} <= set(specs[name].needs)


def test_each_service_has_its_own_port_and_the_passed_environment(specs: dict[str, Spec]) -> None:
    ours = [spec for spec in specs.values() if spec.cwd == str(REPO) and not spec.task]
    assert len(ours) == 9
    for spec in ours:
        assert spec.env["PORT"] == str(spec.port)
        assert spec.env["SOURCE_OR_URL"] == "http://x"


def test_the_servers_below_do_not_see_the_passed_environment(specs: dict[str, Spec]) -> None:
    assert "SOURCE_OR_URL" not in specs["postgres"].env


def test_an_unknown_process_is_named(specs: dict[str, Spec]) -> None:
    with pytest.raises(StackError, match=r"no process is called nosuch; there are: .*kafka"):
        commands.choose(list(specs.values()), ["nosuch"])


def test_the_revision_changes_with_the_code(tmp_path: Path) -> None:
    before = revision(tmp_path)
    (tmp_path / "queries.sql").write_text("select 1")
    assert revision(tmp_path) != before
