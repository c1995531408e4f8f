"""Targets from measured rounds."""

import pytest

from tests.load.baseline import Loaded
from tests.load.ingestion import Measured, targets
from tests.load.pipeline import Run
from tests.load.processes import Usage
from tests.load.report import Target


def run(seconds: float, memory: list[float]) -> Run:
    return Run(seconds, {}, {"ingestion": Usage(memory_mb=memory)}, 0.0, {})


def measured() -> Measured:
    return Measured(
        first=[run(20.0, [150.0] * 8), run(10.0, [160.0] * 8), run(30.0, [150.0] * 8)],
        again=[run(5.0, []), run(5.0, []), run(6.0, [])],
        baseline=[Loaded(s, 0.0, 0.0, [], {}) for s in (10.0, 8.0, 12.0)],
        unchanged=[True, True, True],
    )


def by_name(found: list[Target]) -> dict[str, Target]:
    return {target.name: target for target in found}


def test_the_ratio_is_the_median_of_the_rounds() -> None:
    ratio = by_name(targets(measured()))["pipeline rate / baseline rate"]
    assert (ratio.measured, ratio.met) == ("0.50", True)


def test_the_most_memory_of_any_round_counts() -> None:
    assert by_name(targets(measured()))["worker memory"].measured == "160 MB"


@pytest.mark.parametrize("change", [{"unchanged": [True, False]}, {"differing": ["prospects"]}])
def test_other_rows_miss_a_target(change: dict[str, list[object]]) -> None:
    found = measured()
    for name, value in change.items():
        setattr(found, name, value)
    assert [target.met for target in targets(found)].count(False) == 1
