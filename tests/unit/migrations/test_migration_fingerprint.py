"""Order, text and comparison of what a catalog holds."""

import pytest

from migrations.fingerprint import Item, digest, drift, in_order


def item(kind: str, name: str, oid: int, rank: int, parent: str | None = None) -> Item:
    return Item(kind, name, parent, f"CREATE {kind} {name};", rank, (1, oid))


TABLE = item("table", "t", 1, 4, "t")
INDEX = item("index", "t_a", 2, 7, "t")
FUNCTION = item("function", "f()", 3, 2)
VIEW = item("view", "a_view", 4, 11)


def names(items: list[Item]) -> list[str]:
    return [i.name for i in items]


def test_a_table_comes_before_what_belongs_to_it() -> None:
    assert names(in_order([INDEX, VIEW, TABLE, FUNCTION], {})) == ["f()", "t", "t_a", "a_view"]


def test_a_function_that_reads_a_table_comes_after_it() -> None:
    assert names(in_order([FUNCTION, TABLE], {FUNCTION.key: {TABLE.key}})) == ["t", "f()"]


def test_a_comment_comes_after_what_it_describes() -> None:
    comment = Item("comment", "VIEW a_view", "a_view", "COMMENT", 12, VIEW.key)
    assert names(in_order([comment, VIEW, TABLE], {})) == ["t", "a_view", "VIEW a_view"]


def test_things_that_need_one_another_are_named() -> None:
    needs = {FUNCTION.key: {TABLE.key}, TABLE.key: {FUNCTION.key}}
    with pytest.raises(ValueError, match=r"function f\(\), table t"):
        in_order([FUNCTION, TABLE], needs)


def test_the_digest_does_not_depend_on_the_order() -> None:
    assert digest([TABLE, INDEX]) == digest([INDEX, TABLE])
    assert digest([TABLE]) != digest([TABLE, INDEX])


def test_drift_names_what_is_missing_unexpected_and_changed() -> None:
    changed = Item("table", "t", "t", "CREATE table t\n, x int;", 4, (1, 9))
    assert drift([TABLE, INDEX], [changed, VIEW]) == [
        "missing index t_a",
        "changed table t: - CREATE table t; + CREATE table t + , x int;",
        "unexpected view a_view",
    ]
