"""The part of org.freedesktop.systemd1 that a process manager uses, with real processes behind it."""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Self

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from .fake_unit import FakeUnit, UnitFile

SYSTEMD = "org.freedesktop.systemd1"
MANAGER_PATH = "/org/freedesktop/systemd1"
PROPERTIES = "org.freedesktop.DBus.Properties"


class FakeSystemd:
    """Owns the name on the bus at `address`, runs units of `files` (by template, "avatar-worker@").

    `denied` holds what polkit would not allow: pairs of a verb ("start", "stop", "kill", ...) and a unit. `errors` has
    the name and text of any other error for such a pair.
    """

    def __init__(self, address: str, folder: Path, files: Mapping[str, UnitFile]) -> None:
        self.files = dict(files)
        self.denied: set[tuple[str, str]] = set()
        self.errors: dict[tuple[str, str], tuple[str, str]] = {}
        self.calls: list[tuple[str, ...]] = []
        """Every call of a method that changes something."""
        self.reads: Counter[str] = Counter()
        """How often the properties of a unit were asked for."""
        self.units: dict[str, FakeUnit] = {}
        self._address = address
        self._folder = folder
        self._bus: MessageBus | None = None
        self._jobs = 0
        self._open_jobs: dict[int, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        for unit in self.units.values():
            unit.kill(9)
        await asyncio.gather(*(unit.stop() for unit in self.units.values()))
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.disconnect()

    async def connect(self) -> None:
        """Come to the bus, with the units there are."""
        self._bus = await MessageBus(bus_address=self._address).connect()
        self._bus.add_message_handler(self._handle)
        await self._bus.request_name(SYSTEMD)

    async def disconnect(self) -> None:
        """Leave the bus, as for `systemctl daemon-reexec`; units run on."""
        if self._bus is not None and self._bus.connected:
            self._bus.disconnect()
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        self._bus = None

    def unit(self, name: str) -> FakeUnit:
        """Return a unit, loaded if there is a file for it; raises KeyError."""
        if name not in self.units:
            template = name.partition("@")[0] + "@"
            self.units[name] = FakeUnit(name, self.files[template], self._folder, lambda: self.tell(name))
            self._signal(MANAGER_PATH, f"{SYSTEMD}.Manager", "UnitNew", "so", [name, path_of(name)])
        return self.units[name]

    async def start(self, name: str) -> str:
        """Start a unit as `systemctl start` by somebody else would; return the job's result."""
        return await self._job(self.unit(name), self.unit(name).start)[1]

    async def stop(self, name: str) -> str:
        """Stop a unit as `systemctl stop` by somebody else would; return the job's result."""
        return await self._job(self.unit(name), self.unit(name).stop)[1]

    def reload(self) -> None:
        """As `systemctl daemon-reload` does, say so before and after."""
        for begins in (True, False):
            self._signal(MANAGER_PATH, f"{SYSTEMD}.Manager", "Reloading", "b", [begins])

    def tell(self, name: str) -> None:
        """Send PropertiesChanged for both interfaces of a unit, as systemd does after each change."""
        unit = self.units[name]
        for interface, values in (("Service", unit.service_properties()), ("Unit", unit.unit_properties())):
            values.pop("ControlGroup", None)  # there is no signal about this one
            body = [f"{SYSTEMD}.{interface}", values, ["ExecStart"]]
            self._signal(path_of(name), PROPERTIES, "PropertiesChanged", "sa{sv}as", body)

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        if self._bus is not None and self._bus.connected:
            with contextlib.suppress(OSError):  # on its way out
                self._bus.send(Message.new_signal(path, interface, member, signature, body))

    def _handle(self, message: Message) -> Message | bool | None:
        if message.message_type is not MessageType.METHOD_CALL or message.path is None:
            return None
        if message.interface == PROPERTIES and message.member == "GetAll":
            return self._get_all(message)
        if message.interface != f"{SYSTEMD}.Manager" or not hasattr(self, f"_do_{message.member}"):
            return None
        return getattr(self, f"_do_{message.member}")(message, *message.body)  # type: ignore[no-any-return]

    def _get_all(self, message: Message) -> Message:
        for name, unit in self.units.items():
            if path_of(name) == message.path:
                self.reads[name] += 1
                if unit.state == "inactive":  # it was unloaded, is loaded to be looked at, and unloaded again
                    self._signal(MANAGER_PATH, f"{SYSTEMD}.Manager", "UnitNew", "so", [name, message.path])
                service = message.body[0].endswith("Service")
                values = unit.service_properties() if service else unit.unit_properties()
                return Message.new_method_return(message, "a{sv}", [values])
        return Message.new_method_return(message, "a{sv}", [{"ActiveState": Variant("s", "inactive")}])

    def _do_Subscribe(self, message: Message) -> Message:
        return Message.new_method_return(message)

    def _do_ListUnitsByPatterns(self, message: Message, _states: list[str], patterns: list[str]) -> Message:
        rows = [
            [name, "", "loaded", unit.state, "", "", path_of(name), unit.job[0], "", unit.job[1]]
            for name, unit in self.units.items()
            if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
        ]
        return Message.new_method_return(message, "a(ssssssouso)", [rows])

    def _do_GetJob(self, message: Message, number: int) -> Message:
        if number in self._open_jobs:
            return Message.new_method_return(message, "o", [_job_path(number)])
        return Message.new_error(message, f"{SYSTEMD}.NoSuchJob", f"Job {number} does not exist.")

    def _do_StartUnit(self, message: Message, name: str, mode: str) -> Message:
        return self._command(message, "start", name, mode)

    def _do_StopUnit(self, message: Message, name: str, mode: str) -> Message:
        return self._command(message, "stop", name, mode)

    def _do_RestartUnit(self, message: Message, name: str, mode: str) -> Message:
        return self._command(message, "restart", name, mode)

    def _command(self, message: Message, verb: str, name: str, mode: str) -> Message:
        if (refusal := self._refused(message, verb, name)) is not None:
            return refusal
        assert mode == "replace"
        unit = self.unit(name)

        async def restart() -> str:
            await unit.stop()
            return await unit.start()

        unit.start_canceled = verb == "stop"
        work = {"start": unit.start, "stop": unit.stop, "restart": restart}[verb]
        number, _ = self._job(unit, work)
        return Message.new_method_return(message, "o", [_job_path(number)])

    def _do_KillUnit(self, message: Message, name: str, who: str, number: int) -> Message:
        if (refusal := self._refused(message, "kill", name)) is not None:
            return refusal
        assert who == "all"
        self.unit(name).kill(number)
        return Message.new_method_return(message)

    def _do_ResetFailedUnit(self, message: Message, name: str) -> Message:
        if (refusal := self._refused(message, "reset-failed", name)) is not None:
            return refusal
        self.unit(name).reset_failed()
        return Message.new_method_return(message)

    def _refused(self, message: Message, verb: str, name: str) -> Message | None:
        self.calls.append((verb, name))
        if name.partition("@")[0] + "@" not in self.files:
            return Message.new_error(message, f"{SYSTEMD}.NoSuchUnit", f"Unit {name} not found.")
        if (verb, name) in self.errors:
            return Message.new_error(message, *self.errors[verb, name])
        if (verb, name) in self.denied:
            text = "Interactive authentication required."
            return Message.new_error(message, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", text)
        return None

    def _job(self, unit: FakeUnit, work: Callable[[], Coroutine[Any, Any, str]]) -> tuple[int, asyncio.Future[str]]:
        self._jobs += 1
        number, over = self._jobs, asyncio.get_running_loop().create_future()
        self._open_jobs[number] = unit.name
        unit.job = number, _job_path(number)
        self.tell(unit.name)  # says that there is a job, and still "inactive"

        async def carry_out() -> None:
            result = await work()
            if unit.job[0] == number:
                unit.job = 0, "/"
            del self._open_jobs[number]
            self.tell(unit.name)
            body = [number, _job_path(number), unit.name, result]
            self._signal(MANAGER_PATH, f"{SYSTEMD}.Manager", "JobRemoved", "uoss", body)
            over.set_result(result)

        task = asyncio.create_task(carry_out())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return number, over


def path_of(unit: str) -> str:
    """The object path of a unit, as `systemd-escape`'s cousin in libsystemd makes it."""
    return f"{MANAGER_PATH}/unit/" + "".join(c if c.isascii() and c.isalnum() else f"_{ord(c):02x}" for c in unit)


def _job_path(number: int) -> str:
    return f"{MANAGER_PATH}/job/{number}"
