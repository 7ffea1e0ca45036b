"""Our services on the wire: a zeroconf instance whose sockets follow the links, and what it announces."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from zeroconf import NonUniqueNameException
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf
from zeroconf.const import _TYPE_A, _TYPE_AAAA

from .announcement import SERVICE_TYPE, ServiceAnnouncement
from .link_scope import LinkScopedZeroconf
from .naming import host_name, instance_label
from .network import Network
from .selection import Link

_log = logging.getLogger(__name__)

MAX_ATTEMPTS = 9
"""Names tried for one service: the plain one, then with -2 to -9."""


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """One service with everything that goes on the wire; `attempt` counts the names that were taken."""

    announcement: ServiceAnnouncement
    short_id: str
    properties: tuple[tuple[str, str], ...]
    addresses: tuple[str, ...]
    attempt: int = 1

    @property
    def instance(self) -> str:
        """The name people see, and half of Home Assistant's unique id."""
        return instance_label(self.announcement.title, self.announcement.role, self.short_id, self.attempt)

    def is_same_service_as(self, other: ServiceRecord) -> bool:
        """Whether one can be updated into the other, with no name to take back."""
        return replace(self, attempt=1).instance == replace(other, attempt=1).instance

    def info(self) -> AsyncServiceInfo:
        """Return it as zeroconf wants it."""
        return AsyncServiceInfo(
            SERVICE_TYPE,
            f"{self.instance}.{SERVICE_TYPE}",
            self.announcement.port,
            properties=dict(self.properties),
            server=host_name(self.announcement.role, self.short_id, self.attempt),
            parsed_addresses=list(self.addresses),
        )


class Responder:
    """Owns the sockets; raises OSError or zeroconf.Error where the network refuses: then close it."""

    def __init__(self, links: tuple[Link, ...], network: Network, *, conflict_wait_s: float) -> None:
        """Bind the sockets for `links`; raises OSError, as when port 5353 is taken."""
        self._network = network
        self._conflict_wait_s = conflict_wait_s
        self._zeroconf = LinkScopedZeroconf(interfaces=network.sockets_for(links))
        self._zeroconf.links = links
        self._asyncio = AsyncZeroconf(zc=self._zeroconf)
        self._registered: dict[str, ServiceRecord] = {}
        self._nameless: dict[str, ServiceRecord] = {}

    @property
    def links(self) -> tuple[Link, ...]:
        """The links spoken on."""
        return self._zeroconf.links

    @property
    def registered(self) -> Mapping[str, ServiceRecord]:
        """What is on the network, by role."""
        return self._registered

    @property
    def nameless(self) -> Mapping[str, ServiceRecord]:
        """Services that are not on the network since others hold every name they could take, by role."""
        return self._nameless

    async def show(self, links: tuple[Link, ...], records: Mapping[str, ServiceRecord]) -> None:
        """Make the network see exactly `records`, by role, on `links`; goodbyes come first."""
        await self._zeroconf.async_wait_for_start()
        for role, shown in list(self._registered.items()):
            wanted = records.get(role)
            if wanted is None or not shown.is_same_service_as(wanted):
                await self._withdraw(role)
        named = {role: replace(records[role], attempt=shown.attempt) for role, shown in self._registered.items()}
        changed = {role: record for role, record in named.items() if record != self._registered[role]}
        if links != self.links:
            await self._move_to(links, changed)
        if not self._zeroconf.engine.senders:
            raise OSError("no interface would take a multicast socket")
        self._nameless = {role: record for role, record in self._nameless.items() if records.get(role) == record}
        new = [
            self._register(role, wanted)
            for role, wanted in records.items()
            if role not in self._registered and role not in self._nameless
        ]
        updates = [self._update(role, record) for role, record in changed.items()]
        for outcome in await asyncio.gather(*updates, *new, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def close(self, timeout_s: float) -> None:
        """Say goodbye for every service and close the sockets, within `timeout_s`; never raises."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._asyncio.async_close()
        except Exception as error:  # noqa: BLE001 - the sockets must go, whatever the network says
            _log.warning("No goodbye could be said (%s)", type(error).__name__)
        finally:
            self._zeroconf.done = True
            self._zeroconf.engine.close()  # does nothing where that was done properly
            self._registered.clear()

    async def _move_to(self, links: tuple[Link, ...], changed: Mapping[str, ServiceRecord]) -> None:
        self._zeroconf.links = links
        self._nameless.clear()  # another network, other neighbours
        for record in changed.values():
            # Before the sockets, since a new one is told at once what the registry holds.
            self._zeroconf.registry.async_update(record.info())
        await self._asyncio.async_update_interfaces(self._network.sockets_for(links))

    async def _register(self, role: str, record: ServiceRecord) -> None:
        if await self._try_name(role, record):
            return
        # Perhaps that is our predecessor, just saying goodbye: a restart must not cost us the name.
        await asyncio.sleep(self._conflict_wait_s)
        for attempt in range(1, MAX_ATTEMPTS + 1):
            if await self._try_name(role, replace(record, attempt=attempt)):
                return
        self._nameless[role] = record

    async def _try_name(self, role: str, record: ServiceRecord) -> bool:
        try:
            announced = await self._asyncio.async_register_service(record.info())
        except NonUniqueNameException:
            return False
        self._registered[role] = record
        await announced
        return True

    async def _update(self, role: str, record: ServiceRecord) -> None:
        before = self._registered[role]
        gone = tuple(address for address in before.addresses if address not in record.addresses)
        if gone:
            # Others forget an old address by themselves only where a new one of its family reaches them.
            self._say_goodbye_to_addresses(replace(before, addresses=gone))
        self._registered[role] = record
        await (await self._asyncio.async_update_service(record.info()))

    async def _withdraw(self, role: str) -> None:
        record = self._registered.pop(role)
        await (await self._asyncio.async_unregister_service(record.info()))

    def _say_goodbye_to_addresses(self, record: ServiceRecord) -> None:
        out = self._zeroconf.generate_service_broadcast(record.info(), 0)
        out.answers = [(answer, now) for answer, now in out.answers if answer.type in (_TYPE_A, _TYPE_AAAA)]
        self._zeroconf.async_send(out)
