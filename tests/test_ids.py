"""Identifiers: UUID version 7, in order of time, and written in one way."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from roliascan.ids import is_id, new_id, new_id_in_order

NOW = datetime(2026, 11, 23, 12, 0, 0, 123_456, tzinfo=UTC)


def test_an_identifier_is_a_uuid_of_its_time() -> None:
    for _ in range(200):
        text = new_id(NOW)
        value = UUID(text)
        assert (value.version, value.variant, str(value)) == (7, "specified in RFC 4122", text)
        assert value.int >> 80 == int(NOW.timestamp() * 1000)
        assert is_id(text)


def test_no_two_are_equal() -> None:
    assert len({new_id(NOW) for _ in range(10_000)}) == 10_000


def test_later_ones_sort_later() -> None:
    made = [new_id(NOW + timedelta(milliseconds=step)) for step in range(100)]
    assert made == sorted(made)


def test_every_random_bit_varies() -> None:
    bits = [UUID(new_id(NOW)).int for _ in range(200)]
    ones, zeros = 0, 0
    for value in bits:
        ones |= value
        zeros |= ~value
    free = ((1 << 76) - (1 << 64)) | ((1 << 62) - 1)
    assert ones & zeros & free == free


def test_those_in_order_sort_by_the_microsecond() -> None:
    made = [new_id_in_order(NOW + timedelta(microseconds=step)) for step in range(3000)]
    assert made == sorted(made)
    for step in (0, 1, 2999):
        value = UUID(made[step])
        assert (value.version, value.variant) == (7, "specified in RFC 4122")
        assert value.int >> 80 == int(NOW.timestamp() * 1000) + (456 + step) // 1000
    assert len({new_id_in_order(NOW) for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "01A20846-FE00-7ECE-BC0B-F87796BB3294",
        "01a20846fe007ecebc0bf87796bb3294",
        "{01a20846-fe00-7ece-bc0b-f87796bb3294}",
        "01a20846-fe00-7ece-bc0b-f87796bb3294\n",
        " 01a20846-fe00-7ece-bc0b-f87796bb3294",
        "01a20846-fe00-7ece-bc0b-f87796bb329",
        "01a20846-fe00-7ece-bc0b-f87796bb32945",
        "01a20846-fe00-7ece-bc0b-f87796bb329g",
        "\u0660\u0661a20846-fe00-7ece-bc0b-f87796bb3294",
        "01a20846_fe00_7ece_bc0b_f87796bb3294",
    ],
)
def test_other_ways_to_write_one_are_none(text: str) -> None:  # AZ-05
    assert not is_id(text)
