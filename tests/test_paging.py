"""Paging: the SQL of a window, and that any order walks over everything exactly once."""

from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given, settings

from roliascan.errors import Invalid
from roliascan.ids import new_id
from roliascan.paging import Asked, Listed, Order, PageTooDeep, page_of, window
from tests.front import NOW


class Row(Listed):
    id: str


@given(keys=st.lists(st.integers(-3, 3), max_size=12), limit=st.integers(1, 5), descending=st.booleans())
@settings(max_examples=60)
def test_every_order_walks_over_everything_once(keys: list[int], limit: int, descending: bool) -> None:
    rows = sorted(((key, new_id(NOW)) for key in keys), reverse=descending)
    order = Order("order", "key", "id", descending, int)

    def select(asked: Asked) -> list[Row]:
        """What a database makes of the window."""
        values = window(order, asked).values
        left = rows
        if "after_id" in values:
            last = (values["after_key"], values["after_id"])
            left = [row for row in rows if (row < last if descending else row > last)]
        left = left[values.get("skipped", 0) :]
        return [Row(key, 7, identifier) for key, identifier in left[: values["rows"]]]

    walked: list[str] = []
    asked = Asked(limit, None, None)
    while True:
        page = page_of(select(asked), order, asked, exact=True)
        walked += [row.id for row in page.data]
        assert len(page.data) <= limit
        if page.page.next is None:
            break
        asked = Asked(limit, None, page.page.next)
    assert walked == [identifier for _, identifier in rows]


def test_a_window_is_one_range_of_an_index() -> None:
    order = Order("newest", "t.at", "t.id", True, str)
    first = window(order, Asked(20, None, None))
    assert (first.condition, first.tail) == ("", " ORDER BY t.at DESC, t.id DESC LIMIT :rows")
    assert first.values["rows"] == 21
    cursor = page_of(
        [Row("a", 1, new_id(NOW)), Row("b", 1, new_id(NOW))], order, Asked(1, None, None), exact=True
    ).page.next
    after = window(order, Asked(20, None, cursor))
    assert after.condition == " AND t.at <= :after_key AND (t.at < :after_key OR t.id < :after_id)"
    assert "OFFSET" not in after.tail
    rising = order._replace(descending=False)
    assert ">=" in window(rising, Asked(20, None, cursor)).condition


@pytest.mark.parametrize(
    ("limit", "number", "fits"), [(100, 100, True), (100, 101, False), (3, 3333, True), (3, 3334, False)]
)
def test_pages_by_number_end(limit: int, number: int, fits: bool) -> None:
    order = Order("newest", "t.at", "t.id", True, str)
    if fits:
        assert window(order, Asked(limit, number, None)).values["skipped"] == limit * (number - 1)
    else:
        with pytest.raises(PageTooDeep):
            window(order, Asked(limit, number, None))


def test_what_is_not_shown_is_not_written() -> None:
    order = Order("newest", "t.at", "t.id", True, str)
    page = page_of([Row("a", 1, "x")], order, Asked(1, None, None), exact=False)
    written: Any = msgspec.json.decode(msgspec.json.encode(page))
    assert written == {"data": [{"id": "x"}], "page": {"limit": 1, "number": 1, "total": None, "next": None}}


def test_a_cursor_of_another_order_is_refused() -> None:
    order = Order("newest", "t.at", "t.id", True, str)
    rows = [Row("a", 1, new_id(NOW)), Row("b", 1, new_id(NOW))]
    cursor = page_of(rows, order, Asked(1, None, None), exact=True).page.next
    with pytest.raises(Invalid) as refusal:
        window(order._replace(name="title"), Asked(1, None, cursor))
    assert [problem.field for problem in refusal.value.problems] == ["cursor"]
