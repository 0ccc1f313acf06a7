"""Who the client is, from what a platform or a trusted proxy says, never from what the client says."""

import re
from ipaddress import IPv6Address, ip_address

_IPV4 = re.compile(r"(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}\Z")


def plain(text: str) -> str:
    """The address alone, from `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]:80` or `fe80::1%eth0`; "" for anything else."""
    text = text.strip()
    if _IPV4.match(text):
        return text
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def client(forwarded: str, peer: str, hops: int) -> str:
    """The client as `hops` trusted proxies tell it, each of which adds its peer at the right of X-Forwarded-For.

    0 is the peer itself. Where there are fewer entries, the leftmost is still one that a proxy of ours wrote.
    """
    entries = forwarded.split(",") if hops > 0 and forwarded else []
    told = plain(entries[max(0, len(entries) - hops)]) if entries else ""
    return told or plain(peer)


def beyond(peer: str, forwarded: str, hops: int) -> str:
    """The client of a platform that saw `peer`, where `hops` trusted proxies stand before the platform; 0 is the peer.

    The platform may have added the peer at the right of X-Forwarded-For, or not.
    """
    before, _, last = forwarded.rpartition(",")
    return client(before if plain(last) == peer else forwarded, peer, hops)


def scheme(forwarded: str, own: str, hops: int) -> str:
    """`http` or `https` as the outermost trusted proxy tells it in X-Forwarded-Proto; `own` without one."""
    entries = forwarded.split(",") if hops > 0 and forwarded else []
    told = entries[max(0, len(entries) - hops)].strip().lower() if entries else ""
    return told if told in ("http", "https") else own
