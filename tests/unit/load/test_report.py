"""Tables and targets."""

from tests.load.report import Target, summary, table


def test_numbers_stand_to_the_right() -> None:
    shown = table("Rates", ("", "rows", "s"), [("pipeline", 1234567, 1.234), ("psql", 5, 250.6)])
    assert shown.splitlines() == [
        "Rates",
        "                 rows     s",
        "  pipeline  1,234,567  1.23",
        "  psql              5   251",
    ]


def test_a_target_is_met_at_its_edge() -> None:
    assert Target.at_least("ratio", 0.4, 0.4).met
    assert Target.at_most("memory", 400, 400, " MB").met


def test_a_target_beyond_its_edge_is_missed() -> None:
    assert not Target.at_least("ratio", 0.4, 0.39).met
    assert not Target.at_most("memory", 400, 401, " MB").met


def test_the_summary_names_each_target_and_its_figure() -> None:
    shown = summary(
        [Target.at_most("memory", 400, 123.4, " MB"), Target("same", "yes", "no", False)]
    )
    assert shown.splitlines()[-2:] == [
        "  memory  <= 400 MB    123 MB     met",
        "  same          yes        no  MISSED",
    ]
