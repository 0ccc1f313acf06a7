"""Generated requests and answers arrive as they were sent, through every shape. The short form of `make fuzz`."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.platforms import travel

REQUESTS, ANSWERS = 500, 200


@pytest.mark.parametrize("shape", travel.NAMES)
def test_every_request_arrives(shape: str) -> None:  # SC 1, SC 2, SC 3, SC 10, SC 11, SC 12, SC 17, SC 21
    @settings(max_examples=REQUESTS)
    @given(st.data())
    def arrives(data: Any) -> None:
        travel.check_there(shape, data.draw(travel.there(shape)))

    arrives()


@pytest.mark.parametrize("shape", travel.NAMES)
def test_every_answer_arrives(shape: str) -> None:  # SC 29, SC 30, SC 31, SC 32, SC 34, SC 37, SC 44
    @settings(max_examples=ANSWERS)
    @given(st.data())
    def arrives(data: Any) -> None:
        travel.check_back(shape, data.draw(travel.back(shape)))

    arrives()
