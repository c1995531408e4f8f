from dataclasses import replace
from pathlib import Path

import pytest

from tests.stack.spec import Plan, Spec, in_order, with_needs, write_private

KAFKA = Spec("kafka", ("kafka",))
TOPICS = Spec("topics", ("topics",), needs=("kafka",), task=True)
WORKER = Spec("worker", ("worker",), needs=("topics", "database"))
DATABASE = Spec("database", ("database",))


def test_each_process_stands_after_what_it_needs() -> None:
    ordered = [spec.name for spec in in_order([WORKER, TOPICS, DATABASE, KAFKA])]
    assert ordered.index("kafka") < ordered.index("topics") < ordered.index("worker")
    assert ordered.index("database") < ordered.index("worker")


def test_a_need_outside_the_list_counts_as_met() -> None:
    assert in_order([WORKER]) == (WORKER,)


def test_a_circle_of_needs_is_named() -> None:
    with pytest.raises(ValueError, match="a, b"):
        in_order([Spec("a", ("a",), needs=("b",)), Spec("b", ("b",), needs=("a",))])


def test_a_choice_brings_what_it_needs_and_nothing_else() -> None:
    chosen = with_needs([WORKER, TOPICS, DATABASE, KAFKA], ["topics"])
    assert [spec.name for spec in chosen] == ["kafka", "topics"]


@pytest.mark.parametrize(
    "changed",
    [
        replace(WORKER, env={"LOG_LEVEL": "debug"}),
        replace(WORKER, revision="other code"),
        replace(WORKER, argv=("worker", "--fast")),
    ],
)
def test_a_fingerprint_changes_with_what_asks_for_a_restart(changed: Spec) -> None:
    assert changed.fingerprint != WORKER.fingerprint


def test_a_plan_is_read_back_as_it_was_saved(tmp_path: Path) -> None:
    plan = Plan("one", (KAFKA, replace(WORKER, env={"A": "1"}, ready=("tcp", "1"))), (12, "start"))
    plan.save(tmp_path / "plan.json")
    assert Plan.load(tmp_path / "plan.json") == plan


def test_a_file_with_secrets_is_for_its_owner_alone(tmp_path: Path) -> None:
    write_private(tmp_path / "secrets.json", "{}")
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
