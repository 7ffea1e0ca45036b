"""Only requests meant for this machine: the defence against DNS rebinding.

A web page can make its own name point at our address and then talk to us as "same origin". The browser still
sends that name as Host, so a name we do not know is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from avatar_appliance.errors import ConfigError

from .errors import HostNotAllowed
from .problem import refuse

_HOST = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]+(?:%[\w.~-]+)?)\]|(?P<name>[A-Za-z0-9._-]+))(?::\d{1,5})?")
_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


class HostCheck:
    """Lets through localhost, loopback, the address the request came in at, and the names given."""

    def __init__(self, app: ASGIApp, *, allowed_hosts: Iterable[str] = ()) -> None:
        """Wrap `app`; raises ConfigError for an allowed host that is neither a name nor an address."""
        self._app = app
        self._allowed = frozenset(map(_checked, allowed_hosts)) | {"localhost"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `host-not-allowed` unless the request is meant for us."""
        if scope["type"] not in ("http", "websocket") or self._is_ours(scope):
            await self._app(scope, receive, send)
        else:
            await refuse(
                HostNotAllowed("the Host header is not an address or name of this service"), scope, receive, send
            )

    def _is_ours(self, scope: Scope) -> bool:
        values = Headers(scope=scope).getlist("host")
        match = _HOST.fullmatch(values[0]) if len(values) == 1 else None
        if match is None:
            return False
        host = (match["v6"] or match["name"]).lower().removesuffix(".")
        ip = _ip(host)
        if host in self._allowed or (ip is not None and str(ip) in self._allowed):
            return True
        # The address of the socket itself: the right one also where we listen on all of them.
        server = scope.get("server")
        return ip is not None and (ip.is_loopback or (server is not None and ip == _ip(server[0])))


def _ip(text: str) -> IPv4Address | IPv6Address | None:
    try:
        ip = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # A dual-stack socket says ::ffff:192.0.2.1 where the client wrote 192.0.2.1.
    return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip


def _checked(host: str) -> str:
    name = host.lower().removesuffix(".")
    ip = _ip(name.removeprefix("[").removesuffix("]"))
    if ip is not None:
        return str(ip)
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{host!r} cannot be an allowed host",
            hint="List bare names or addresses, without scheme, port, path or wildcard: `avatar.example.org`.",
        )
    return name
