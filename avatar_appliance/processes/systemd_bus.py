"""A connection to systemd's manager on the system bus: calls, and the signals systemd sends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Self

from dbus_fast import BusType, Message, MessageType, unpack_variants
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError

from avatar_appliance.errors import AvatarError, ConfigError

from .errors import SystemdRefused, SystemdUnavailable, UnitDenied

SYSTEMD = "org.freedesktop.systemd1"
MANAGER_PATH = "/org/freedesktop/systemd1"
MANAGER = f"{SYSTEMD}.Manager"
PROPERTIES = "org.freedesktop.DBus.Properties"
CONNECT_TIMEOUT_S = 5.0
CALL_TIMEOUT_S = 25.0  # what D-Bus libraries wait by default; systemd answers in milliseconds

_BUS = "org.freedesktop.DBus"
_BUS_PATH = "/org/freedesktop/DBus"
_DENIED = {f"{_BUS}.Error.AccessDenied", f"{_BUS}.Error.InteractiveAuthorizationRequired"}
_UNUSABLE = {f"{SYSTEMD}.{name}" for name in ("NoSuchUnit", "LoadFailed", "UnitMasked", "BadUnitSetting")}
_AWAY = {f"{_BUS}.Error.{name}" for name in ("ServiceUnknown", "NameHasNoOwner", "NoReply", "Disconnected")}

SignalHandler = Callable[[str, str, str, list[Any]], None]
"""Is given path, interface, member and arguments."""


class SystemdBus:
    """One connected connection; `connect` makes it, `close` ends it."""

    def __init__(self, bus: MessageBus, heard: SignalHandler) -> None:
        self._bus = bus
        self._heard = heard
        self._owner = ""
        self.lost = asyncio.Event()
        """Set when the connection or systemd is gone, or systemd was executed anew and has forgotten us."""
        self._watching = asyncio.create_task(self._watch_connection(), name="watch over the system bus")

    @classmethod
    async def connect(cls, address: str | None, heard: SignalHandler) -> Self:
        """Connect to the bus at `address` (None: the system's) and subscribe; `heard` is given each signal.

        Raises SystemdUnavailable.
        """
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                bus = await MessageBus(bus_address=address, bus_type=BusType.SYSTEM).connect()
                made = cls(bus, heard)
                try:
                    await made._subscribe()
                except BaseException:
                    await made.close()
                    raise
                return made
        except TimeoutError:
            text = f"nobody answered on the system bus within {CONNECT_TIMEOUT_S:g} s"
            raise SystemdUnavailable(text) from None
        except (OSError, EOFError, DBusFastError) as error:
            raise SystemdUnavailable(f"the system bus cannot be used: {_words(error)}") from None

    async def close(self) -> None:
        """Hang up."""
        if self._bus.connected:
            self._bus.disconnect()
        await self._watching

    async def _watch_connection(self) -> None:
        with contextlib.suppress(Exception):  # how it ended is said by whatever was asked of it last
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        self.lost.set()

    async def _subscribe(self) -> None:
        self._bus.add_message_handler(self._handle)
        await self._bus_call("AddMatch", "s", [_rule(_BUS, _BUS_PATH, _BUS, "NameOwnerChanged") + f",arg0='{SYSTEMD}'"])
        for member in ("JobRemoved", "UnitNew", "Reloading"):
            await self._bus_call("AddMatch", "s", [_rule(SYSTEMD, MANAGER_PATH, MANAGER, member)])
        [self._owner] = await self._bus_call("GetNameOwner", "s", [SYSTEMD])
        await self.call("Subscribe")

    async def watch(self, path: str) -> None:
        """Have the signals about changed properties of the object `path` sent to us; raises SystemdUnavailable."""
        await self._bus_call("AddMatch", "s", [_rule(SYSTEMD, path, PROPERTIES, "PropertiesChanged")])

    async def properties(self, path: str, interface: str) -> dict[str, Any]:
        """Return all properties of one interface of an object; raises as `call`."""
        [values] = await self.call("GetAll", "s", [interface], path=path, interface=PROPERTIES)
        return dict(values)

    async def call(
        self,
        member: str,
        signature: str = "",
        body: Sequence[Any] = (),
        *,
        path: str = MANAGER_PATH,
        interface: str = MANAGER,
    ) -> list[Any]:
        """Call systemd and return the answer.

        Raises UnitDenied, ConfigError for a unit that does not exist or cannot be used, SystemdRefused, and
        SystemdUnavailable when nobody answers (it may have been carried out all the same).
        """
        return await self._send(
            Message(SYSTEMD, path, interface, member, signature=signature, body=list(body)), member, body
        )

    async def _bus_call(self, member: str, signature: str, body: Sequence[Any]) -> list[Any]:
        message = Message(_BUS, _BUS_PATH, _BUS, member, signature=signature, body=list(body))
        return await self._send(message, member, ())

    async def _send(self, message: Message, member: str, about: Sequence[Any]) -> list[Any]:
        if not self._bus.connected:
            raise SystemdUnavailable("the connection to the system bus is gone")
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                reply = await self._bus.call(message)
        except TimeoutError:
            raise SystemdUnavailable(f"systemd did not answer {member} within {CALL_TIMEOUT_S:g} s") from None
        except (OSError, EOFError, DBusFastError) as error:
            raise SystemdUnavailable(f"the connection to the system bus broke: {_words(error)}") from None
        if reply is None:
            raise SystemdUnavailable("the connection to the system bus was closed")
        if reply.message_type is MessageType.ERROR:
            raise _translated(reply, member, about)
        answer: list[Any] = unpack_variants(reply.body)
        return answer

    def _handle(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.sender == _BUS and message.member == "NameOwnerChanged" and message.body[0] == SYSTEMD:
            self.lost.set()
        # Anybody may send us a signal by our unique name, so the match rules alone prove nothing.
        elif message.sender == self._owner and message.path and message.interface and message.member:
            self._heard(message.path, message.interface, message.member, unpack_variants(message.body))


def _rule(sender: str, path: str, interface: str, member: str) -> str:
    return f"type='signal',sender='{sender}',path='{path}',interface='{interface}',member='{member}'"


def _translated(reply: Message, member: str, about: Sequence[Any]) -> AvatarError:
    name = reply.error_name or "an unnamed error"
    words = str(reply.body[0]) if reply.body and isinstance(reply.body[0], str) else name
    subject = f"{member} {about[0]}" if about and isinstance(about[0], str) else member
    if name in _DENIED or "polkit" in words:  # the latter: polkit itself cannot be started
        return UnitDenied(f"systemd denied {subject}: {words}")
    if name in _UNUSABLE:
        return ConfigError(
            f"systemd cannot {subject}: {words}", hint="Install the units of systemd/ into /etc/systemd/system."
        )
    if name in _AWAY:
        return SystemdUnavailable(f"systemd did not answer {subject}: {words}")
    return SystemdRefused(f"systemd refused {subject}: {words}")


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
