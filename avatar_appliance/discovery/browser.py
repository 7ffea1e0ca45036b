"""What Home Assistant would see: a look at every `_wyoming._tcp.local.` service on the network."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address

from zeroconf import Error as ZeroconfError
from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from .announcement import SERVICE_TYPE
from .errors import DiscoveryUnavailable
from .network import Network
from .notices import multicast_failed
from .selection import Policy, select

_CLOSE_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class FoundService:
    """A Wyoming service on the network, ours or another's."""

    instance: str
    host: str
    port: int
    addresses: tuple[str, ...]
    properties: dict[str, str]

    @property
    def chosen_address(self) -> str | None:
        """The address Home Assistant would connect to; None where it has only addresses that are ignored."""
        for address in sorted(map(ip_address, self.addresses), key=lambda ip: ip.version):
            if not (address.is_link_local or address.is_unspecified):
                return str(address)
        return None


async def browse(
    timeout_s: float = 4.0,
    *,
    expect: Collection[str] = (),
    policy: Policy | None = None,
    network: Network | None = None,
) -> list[FoundService]:
    """Return the services that answer within `timeout_s`, by name; at once when all of `expect` have.

    Raises DiscoveryUnavailable where there is no network, or multicast DNS does not work.
    """
    network = network or Network()
    # What the servers listen on does not matter to a look around; which interfaces may be used does.
    selection = select(network.list_interfaces(), Policy("::", interfaces=(policy or Policy()).interfaces))
    if selection.reason is not None:
        raise DiscoveryUnavailable(selection.reason.text, hint=selection.reason.hint)
    try:
        zeroconf = AsyncZeroconf(interfaces=network.sockets_for(selection.links))
        look = _Look(zeroconf.zeroconf, frozenset(expect))
        try:
            await zeroconf.zeroconf.async_wait_for_start()
            await look.around(timeout_s)
        finally:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await zeroconf.async_close()
    except (OSError, ZeroconfError) as error:
        notice = multicast_failed(str(error) or type(error).__name__)
        raise DiscoveryUnavailable(notice.text, hint=notice.hint) from error
    return sorted(look.found.values(), key=lambda service: service.instance)


class _Look:
    def __init__(self, zeroconf: Zeroconf, expect: frozenset[str]) -> None:
        self.found: dict[str, FoundService] = {}
        self._zeroconf = zeroconf
        self._expect = expect
        self._complete = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._deadline_s = 0.0

    async def around(self, timeout_s: float) -> None:
        self._deadline_s = asyncio.get_running_loop().time() + timeout_s
        browser = AsyncServiceBrowser(self._zeroconf, SERVICE_TYPE, handlers=[self._changed])
        try:
            async with asyncio.timeout(timeout_s):
                await self._complete.wait()
        except TimeoutError:
            pass  # the usual end: nobody knows how many there are
        finally:
            await browser.async_cancel()
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _changed(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if (task := self._tasks.pop(name, None)) is not None:
            task.cancel()
        if state_change is ServiceStateChange.Removed:
            self.found.pop(name, None)
        else:
            # Seen at least, should it not say where it is in time.
            self.found.setdefault(name, FoundService(name.removesuffix(f".{service_type}"), "", 0, (), {}))
            self._tasks[name] = asyncio.create_task(self._resolve(name))

    async def _resolve(self, name: str) -> None:
        info = AsyncServiceInfo(SERVICE_TYPE, name)
        left_s = self._deadline_s - asyncio.get_running_loop().time()
        await info.async_request(self._zeroconf, max(left_s, 0.0) * 1000)
        self.found[name] = FoundService(
            info.get_name(),
            info.server or "",
            info.port or 0,
            tuple(info.parsed_scoped_addresses()),
            {key: value or "" for key, value in info.decoded_properties.items()},
        )
        if self._expect and self._expect <= {service.instance for service in self.found.values()}:
            self._complete.set()
