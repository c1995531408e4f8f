"""The jobs part's targets: medians of rounds against the peer at its best."""

from tests.load.jobs import Measured, targets
from tests.load.jobs.ours import Drain
from tests.load.jobs.peer import Peer
from tests.load.processes import Usage


def measured() -> Measured:
    """One round just within every target."""
    flat = Usage(memory_mb=[90.0] * 12)
    return Measured(
        enqueued=[10_000.0],
        drains=[Drain(20_000, 2000.0, flat)],
        peers=[[Peer(2000, 1, 9000.0, 1200.0), Peer(20_000, 1, 9000.0, 1000.0)]],
        waits=[20.0] * 95 + [100.0] * 5,
        answers={"": [150.0] * 60, "/dead": [199.0] * 60},
        many=Drain(100_000, 2000.0, flat),
    )


def test_all_targets_are_met_at_their_edges() -> None:
    assert [target.met for target in targets(measured())] == [True] * 5


def test_the_peer_counts_by_its_long_round() -> None:
    round_ = measured()
    round_.peers[0].append(Peer(20_000, 1, 9000.0, 1001.0))
    assert not targets(round_)[0].met


def test_one_slow_address_misses_the_target() -> None:
    round_ = measured()
    round_.answers["/queues"] = [10.0] * 50 + [201.0] * 10
    assert [target.met for target in targets(round_)] == [True, True, True, False, True]


def test_a_worker_that_grows_misses_the_target() -> None:
    round_ = measured()
    round_.many = Drain(100_000, 2000.0, Usage(memory_mb=[float(n) for n in range(90, 250, 5)]))
    assert not targets(round_)[-1].met
