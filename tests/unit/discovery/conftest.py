"""A home network on the loopback interface: every participant has its own 127.x.y.z address there."""

from __future__ import annotations

import asyncio
import random
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_interface
from typing import TypeVar

import pytest
from zeroconf import RecordUpdate, RecordUpdateListener, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from avatar_appliance.discovery import (
    SERVICE_TYPE,
    Announcer,
    InterfaceAddress,
    MachineIdentity,
    Network,
    NetworkInterface,
    Policy,
    Timing,
)
from avatar_appliance.discovery.selection import Link

T = TypeVar("T")

DEADLINE_S = 8.0  # a loaded machine is slow; a passing test never waits this long


@pytest.fixture(autouse=True)
def quick_zeroconf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten zeroconf's waits, which add up to two seconds a service."""
    monkeypatch.setattr("zeroconf._core._PROBE_RANDOM_DELAY_INTERVAL", (1, 5))
    monkeypatch.setattr("zeroconf._core._CHECK_TIME", 60)
    monkeypatch.setattr("zeroconf._core._REGISTER_TIME", 15)
    monkeypatch.setattr("zeroconf._core._UNREGISTER_TIME", 15)


@pytest.fixture
def title() -> str:
    """A house name nobody else on this machine announces."""
    return f"House {uuid.uuid4().hex[:10]}"


def _loopback_address() -> str:
    """An address of the loopback interface that is most likely nobody else's."""
    return f"127.{random.randint(1, 250)}.{random.randint(1, 250)}.{random.randint(2, 250)}"


@pytest.fixture
def loopback_address() -> Callable[[], str]:
    """Make addresses of the loopback interface, one for each machine of a test."""
    return _loopback_address


class FakeNetwork:
    """Interfaces as the test wants them; multicast really goes over loopback."""

    def __init__(self) -> None:
        self.interfaces: list[NetworkInterface] = []
        self.listed = 0
        self.socket_address = _loopback_address()
        self.failure: OSError | None = None
        self.on_list: Callable[[], None] = lambda: None
        self.asked_for: list[tuple[str, ...]] = []

    @property
    def network(self) -> Network:
        return Network(self._list, self._sockets_for)

    def set(self, *interfaces: NetworkInterface) -> None:
        self.interfaces = list(interfaces)

    def _list(self) -> Iterable[NetworkInterface]:
        self.listed += 1
        self.on_list()
        return tuple(self.interfaces)

    def _sockets_for(self, links: Sequence[Link]) -> list[str | int]:
        self.asked_for.append(tuple(link.name for link in links))
        if self.failure is not None:
            raise self.failure
        return [self.socket_address]


@pytest.fixture
def fake_network() -> FakeNetwork:
    return FakeNetwork()


@pytest.fixture
def make_interface() -> Callable[..., NetworkInterface]:
    """Make an interface from a name and addresses in CIDR form, with any other field by name."""

    def make(name: str, *addresses: str, **fields: object) -> NetworkInterface:
        values = [ip_interface(address) for address in addresses]
        found = tuple(InterfaceAddress(value.ip, value.network.prefixlen) for value in values)
        index = fields.pop("index", 7)
        return NetworkInterface(name, index, found, **fields)  # type: ignore[arg-type]

    return make


class Neighbour(RecordUpdateListener):
    """Another machine on the network, with a zeroconf of its own."""

    def __init__(self) -> None:
        self.address = _loopback_address()
        self.asyncio = AsyncZeroconf(interfaces=[self.address])
        self.zeroconf = self.asyncio.zeroconf
        self._removed: list[str] = []
        self._heard = asyncio.Event()

    async def listen(self) -> None:
        await self.zeroconf.async_wait_for_start()
        self.zeroconf.async_add_listener(self, None)
        self._browser = AsyncServiceBrowser(self.zeroconf, SERVICE_TYPE, handlers=[self._changed])

    async def close(self) -> None:
        await self._browser.async_cancel()
        await self.asyncio.async_close()

    def async_update_records(self, zc: Zeroconf, now: float, records: list[RecordUpdate]) -> None:
        pass

    def async_update_records_complete(self) -> None:
        self._heard.set()

    def _changed(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if state_change is ServiceStateChange.Removed:
            self._removed.append(name)
        self._heard.set()

    def info(self, instance: str) -> AsyncServiceInfo | None:
        """What is known of an instance now; None when it is not announced."""
        name = f"{instance}.{SERVICE_TYPE}"
        if not self.zeroconf.cache.current_entry_with_name_and_alias(SERVICE_TYPE, name):
            return None
        info = AsyncServiceInfo(SERVICE_TYPE, name)
        return info if info.load_from_cache(self.zeroconf) else None

    def removed(self, part: str) -> list[str]:
        """Instances with `part` in their name that said goodbye (other tests may run beside this one)."""
        return [name.removesuffix(f".{SERVICE_TYPE}") for name in self._removed if part in name]

    async def announce(self, instance: str, port: int = 1) -> AsyncServiceInfo:
        """Announce a service of this machine, without asking whether the name is free."""
        info = AsyncServiceInfo(
            SERVICE_TYPE,
            f"{instance}.{SERVICE_TYPE}",
            port,
            server=f"neighbour-{uuid.uuid4().hex[:8]}.local.",
            parsed_addresses=["192.0.2.200"],
        )
        await (await self.asyncio.async_register_service(info, cooperating_responders=True))
        return info

    async def until(self, condition: Callable[[], T]) -> T:
        """Return what `condition` returns once that is true, looking at each packet heard."""
        async with asyncio.timeout(DEADLINE_S):
            while not (outcome := condition()):
                self._heard.clear()
                try:
                    await asyncio.wait_for(self._heard.wait(), 0.05)
                except TimeoutError:
                    pass
        return outcome

    async def sees(self, instance: str) -> AsyncServiceInfo:
        found = await self.until(lambda: self.info(instance))
        assert found is not None
        return found

    async def misses(self, instance: str) -> None:
        await self.until(lambda: self.info(instance) is None)


@pytest.fixture
async def make_neighbour() -> AsyncIterator[Callable[[], Awaitable[Neighbour]]]:
    """Let another machine join the network, already listening."""
    machines: list[Neighbour] = []

    async def make() -> Neighbour:
        machine = Neighbour()
        machines.append(machine)
        await machine.listen()
        return machine

    yield make
    for machine in machines:
        await machine.close()


@pytest.fixture
async def neighbour(make_neighbour: Callable[[], Awaitable[Neighbour]]) -> Neighbour:
    """One other machine on the network."""
    return await make_neighbour()


class Tap(asyncio.DatagramProtocol):
    """Listens to the multicast group and keeps which sender said what."""

    def __init__(self) -> None:
        self.packets: list[tuple[str, bytes]] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.packets.append((addr[0], data))

    def senders_of(self, title: str) -> set[str]:
        """Addresses from which packets came that name `title`."""
        return {sender for sender, packet in self.packets if title.encode() in packet}


@pytest.fixture
async def tap() -> AsyncIterator[Tap]:
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind(("224.0.0.251", 5353))
    membership = socket.inet_aton("224.0.0.251") + socket.inet_aton("127.0.0.1")
    listening.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(Tap, sock=listening)
    yield protocol
    transport.close()


@pytest.fixture
def machine() -> MachineIdentity:
    """A machine nobody else on this network is, another run of these tests included."""
    return MachineIdentity(uuid.uuid4().hex, "machine-id")


@pytest.fixture
def name(machine: MachineIdentity) -> Callable[..., str]:
    """Say what a service of `machine` is called, from the house's title and the role."""
    return lambda title, role="asr": f"{title} {role} {machine.short}"


@pytest.fixture
async def build(machine: MachineIdentity, fake_network: FakeNetwork) -> AsyncIterator[Callable[..., Announcer]]:
    """Make announcers of `machine` on the fake network; they are stopped at the end.

    Only `refresh` makes them look at the interfaces, so that each test says when.
    """
    made: list[Announcer] = []

    def make(policy: Policy | None = None, **timing: object) -> Announcer:
        values: dict[str, object] = {"poll_interval_s": 60.0, "conflict_wait_s": 0.01, **timing}
        announcer = Announcer(
            machine,
            policy,
            network=fake_network.network,
            timing=Timing(**values),  # type: ignore[arg-type]
        )
        made.append(announcer)
        return announcer

    yield make
    for announcer in made:
        await announcer.stop()


@pytest.fixture
def home(fake_network: FakeNetwork, make_interface: Callable[..., NetworkInterface]) -> NetworkInterface:
    """Plug in one cable."""
    interface = make_interface("eth0", "192.0.2.10/24", "fe80::1/64", default_route=True)
    fake_network.set(interface)
    return interface
