"""Where we may post to: public addresses only, so that nobody can use us to reach what stands beside us (SSRF).

The name is resolved here, once, and the connection goes to the address that was checked; Host header and TLS name stay
the URL's. So a name that answers differently a moment later gains nothing.
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx
from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

NAT64 = ip_network("64:ff9b::/96")
NEVER = [  # beside what Python calls private, reserved, multicast; its lists differ between versions
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # shared by a provider's customers; Alibaba's metadata
        "168.63.129.16/32",  # Azure's metadata, a public address; the other clouds' are link-local or private
        "192.0.0.0/24",  # Oracle's metadata
        "192.88.99.0/24",
        "198.18.0.0/15",
        "64:ff9b:1::/48",
        "2001::/23",
        "fec0::/10",
    )
]


class Refused(Exception):
    """We do not post there; the message says why. `for_good`: no answer of any DNS would change that."""

    def __init__(self, why, *, for_good=False):
        super().__init__(why)
        self.for_good = for_good


class Unresolved(Exception):
    """There is no address to post to, now."""


def refusal_of(url) -> str:
    """Why what is sent there would be refused, as of now; empty where it would not be, or where nobody knows the name yet."""
    try:
        asyncio.run(aimed("POST", url, {}, b""))
    except Refused as refusal:
        return str(refusal)
    except (Unresolved, httpx.InvalidURL, ValueError):
        return ""
    return ""


async def aimed(method, url, headers, content) -> httpx.Request:
    """The request, addressed to the checked address of the URL's host."""
    named = httpx.URL(url)
    if named.scheme not in ("http", "https") or not named.host:
        raise Refused(_("Only http and https addresses are called."), for_good=True)
    address = await checked_address(named.host, named.port or (443 if named.scheme == "https" else 80))
    host = {"Host": named.netloc.decode("ascii")}
    return httpx.Request(
        method,
        named.copy_with(host=address, username=None, password=None),
        headers={**headers, **host},
        content=content,
        extensions={"sni_hostname": named.raw_host.decode("ascii"), "timeout": httpx.Timeout(10).as_dict()},
    )


async def checked_address(host, port) -> str:
    """The first address of the host, if all of them are public."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unresolved(format_lazy(_("The name {host} does not resolve."), host=host)) from error
    addresses = [address for *_, (address, *_) in found]
    if not getattr(settings, "HITLDESK_WEBHOOKS_MAY_BE_LOCAL", False):
        for address in addresses:
            if not is_public(ip_address(address)):
                raise _not_public(host, address)
    return addresses[0]


def _not_public(host, address) -> Refused:
    why = format_lazy(_("{host} leads to {address}, which is not a public address."), host=host, address=address)
    return Refused(why, for_good=host.rstrip(".") in (address, "localhost"))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Of an IPv6 address that leads to an IPv4 one by itself (mapped, 6to4, NAT64), that one must be public, too."""
    if address in NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    if address.version == 6 and (inner := address.ipv4_mapped or address.sixtofour):
        return is_public(inner)
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved)
        and not any(address in network for network in NEVER)
    )
