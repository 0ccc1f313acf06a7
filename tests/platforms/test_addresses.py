"""Who the client is: every way of writing an address, and nothing that the client itself wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roliascan.platforms.gateway.addresses import beyond, client, plain, scheme


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9:443 ", "203.0.113.9"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("999.1.1.1", ""),
        ("1.2.3", ""),
        ("unknown", ""),
        ("_hidden", ""),
        ("", ""),
        ("1.2.3.4\n", "1.2.3.4"),
        ("1.2.3.4, 5.6.7.8", ""),
    ],
)
def test_forms(text: str, address: str) -> None:  # SC 23
    assert plain(text) == address


@pytest.mark.parametrize(
    ("forwarded", "hops", "address"),
    [
        ("6.6.6.6, 203.0.113.9", 0, "192.0.2.1"),
        ("6.6.6.6, 203.0.113.9", 1, "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9, 198.51.100.1", 2, "203.0.113.9"),
        ("203.0.113.9", 2, "203.0.113.9"),  # the outer proxy was passed by
        ("", 1, "192.0.2.1"),
        ("6.6.6.6, not an address", 1, "192.0.2.1"),
        ("6.6.6.6,203.0.113.9:50001", 1, "203.0.113.9"),
        ("6.6.6.6, [2001:db8::1]:50001", 1, "2001:db8::1"),
    ],
)
def test_trusted_proxies(forwarded: str, hops: int, address: str) -> None:  # SC 21
    assert client(forwarded, "192.0.2.1", hops) == address


@pytest.mark.parametrize(
    ("forwarded", "hops", "address"),
    [
        ("6.6.6.6, 203.0.113.9, 192.0.2.1", 0, "192.0.2.1"),
        ("6.6.6.6, 203.0.113.9, 192.0.2.1", 1, "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", 1, "203.0.113.9"),  # the platform did not add its peer
        ("6.6.6.6, 203.0.113.9, 198.51.100.1, 192.0.2.1", 2, "203.0.113.9"),
        ("192.0.2.1", 1, "192.0.2.1"),  # the proxy was passed by
        ("", 1, "192.0.2.1"),
    ],
)
def test_proxies_before_a_platform(forwarded: str, hops: int, address: str) -> None:  # SC 21
    assert beyond("192.0.2.1", forwarded, hops) == address


@given(garbage=st.text(max_size=40), hops=st.integers(1, 3))
def test_what_the_client_wrote_never_counts(garbage: str, hops: int) -> None:  # SC 21
    trusted = ", ".join(["203.0.113.9", "198.51.100.1", "198.51.100.2"][:hops])
    assert client(f"{garbage}, {trusted}", "192.0.2.1", hops) == "203.0.113.9"


@given(st.text(max_size=60), st.integers(0, 5))
def test_anything_is_an_address_or_nothing(text: str, hops: int) -> None:
    told = client(text, text, hops)
    assert told == plain(told)


@pytest.mark.parametrize(
    ("forwarded", "hops", "told"),
    [("https", 0, "http"), ("https", 1, "https"), ("http, https", 1, "https"), ("gopher", 1, "http"), ("", 1, "http")],
)
def test_schemes(forwarded: str, hops: int, told: str) -> None:  # SC 22
    assert scheme(forwarded, "http", hops) == told
