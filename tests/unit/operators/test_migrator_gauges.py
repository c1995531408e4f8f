"""What the metrics say: of a closed list, whatever a Job reports."""

from operators.migrator import gauges
from operators.migrator.decide import decide
from services.common import metrics
from tests.unit.operators.looks import OWNER, after, failed, running


def counted(reason: str) -> float:
    return float(metrics.migration_attempts_total.labels(reason)._value.get())


def test_a_code_that_only_a_newer_runner_knows_makes_no_new_series() -> None:
    o, made = running()
    before = counted("internal")
    gauges.show(OWNER, decide(after(o, made, attempts=(failed("of the year 2031"),))))
    assert counted("internal") == before + 1
    (family,) = metrics.migration_attempts_total.collect()
    assert {"reason": "of the year 2031"} not in [sample.labels for sample in family.samples]
