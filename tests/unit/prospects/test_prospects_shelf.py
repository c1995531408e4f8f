"""Copies of prospects at hand: the last ones used, within a bound of bytes."""

from uuid import UUID

from services.prospects.shelf import _AROUND, Shelf, Shown

ONE, TWO, THREE = UUID(int=1), UUID(int=2), UUID(int=3)


def _shown(size: int = 600) -> Shown:
    return Shown("v1", b"x" * size)


def _room(entries: int) -> Shelf:
    return Shelf(entries * (600 + _AROUND))


def test_a_copy_is_found_again() -> None:
    shelf, shown = _room(1), _shown()
    shelf.put(ONE, shown)
    assert shelf.get(ONE) is shown


def test_the_one_not_used_for_longest_makes_room() -> None:
    shelf = _room(2)
    shelf.put(ONE, _shown())
    shelf.put(TWO, _shown())
    shelf.get(ONE)
    shelf.put(THREE, _shown())
    assert [shelf.get(each) is None for each in (ONE, TWO, THREE)] == [False, True, False]


def test_a_copy_that_is_replaced_is_counted_once() -> None:
    shelf = _room(2)
    for _ in range(5):
        shelf.put(ONE, _shown())
    shelf.put(TWO, _shown())
    assert shelf.get(ONE) is not None


def test_one_larger_than_the_room_is_not_kept() -> None:
    shelf = _room(1)
    shelf.put(ONE, _shown(5000))
    assert shelf.get(ONE) is None


def test_what_is_dropped_gives_its_room_back() -> None:
    shelf = _room(1)
    shelf.put(ONE, _shown())
    shelf.drop(ONE)
    shelf.put(TWO, _shown())
    assert (shelf.get(ONE), shelf.get(TWO)) == (None, _shown())
