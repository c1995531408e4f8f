"""The breaker's states, with a clock of its own."""

from services.pipelines.enrichment.signals.breaker import Breaker


class Clock:
    """A time that only the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(failures=2, rest_s=60, clock=clock)
    for _ in range(2):
        assert breaker.admit() == 0
        breaker.failed()
    return breaker


def test_it_opens_after_failures_in_a_row() -> None:
    assert opened(Clock()).admit() == 60


def test_a_success_between_failures_starts_the_count_over() -> None:
    breaker = Breaker(failures=2, clock=Clock())
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.admit() == 0


def test_half_open_lets_one_question_through() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 60
    assert breaker.admit() == 0
    assert breaker.admit() > 0
    breaker.succeeded()
    assert breaker.admit() == breaker.admit() == 0


def test_a_failed_trial_doubles_the_rest_up_to_a_limit() -> None:
    clock = Clock()
    breaker = opened(clock)
    rests = []
    for _ in range(6):
        rests.append(breaker.admit())
        clock.now += rests[-1]
        assert breaker.admit() == 0
        breaker.failed()
    assert rests == [60, 120, 240, 480, 900, 900]


def test_a_trial_that_was_given_up_leaves_the_way_to_the_next() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 60
    assert breaker.admit() == 0
    breaker.unknown()
    assert breaker.admit() == 0


def test_a_refused_key_opens_it_at_once() -> None:
    breaker = Breaker(clock=Clock())
    breaker.failed(for_good=True)
    assert breaker.admit() == 60
