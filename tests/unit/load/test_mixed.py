"""The mixed part: its targets, and that the stand-in fails one time in twenty."""

from dataclasses import replace

from aiohttp import web

from tests.load.mixed import targets
from tests.load.mixed.faults import Awards
from tests.load.mixed.platform import Ended
from tests.support.sources.stand_in import Asked

CALM = Ended(
    10.0, {"prospects": {"a"}}, {"succeeded": 20, "dead": 1}, [], [7], [7], (30, 30), (0, 0)
)
MIXED = replace(CALM, seconds=3600.0, states={"succeeded": 4999, "dead": 1})


def test_the_same_rows_and_only_the_doomed_dead_is_what_is_asked() -> None:
    assert all(target.met for target in targets(CALM, MIXED))


def test_every_shortcoming_misses_its_target() -> None:
    for at, worse in enumerate(
        (
            replace(MIXED, states={"succeeded": 4998, "dead": 1}),
            replace(MIXED, seconds=36_000.0),
            replace(MIXED, told={"prospects": {"b"}}),
            replace(MIXED, documents=(31, 30)),
            replace(MIXED, states={"succeeded": 4998, "dead": 1, "running": 1}),
            replace(MIXED, dead=[7, 8]),
        )
    ):
        assert [n for n, target in enumerate(targets(CALM, worse)) if not target.met] == [at]


def test_one_answer_in_twenty_is_wrong_and_the_others_do_not_change() -> None:
    source = Awards(wrong=True)
    body = {"filters": {"recipient_search_text": ["KING REBAR LLC"]}}
    answers = [source.respond(Asked("/", {}, {}, body)) for _ in range(200)]
    right = [answer for answer in answers if not isinstance(answer, web.Response)]
    assert (len(right), source.failed) == (190, 10)
    assert all(answer == right[0] for answer in right)
