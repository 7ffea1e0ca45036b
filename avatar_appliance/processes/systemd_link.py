"""Staying connected to systemd: the bus may go away, and systemd may be executed anew, under our feet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

from avatar_appliance.errors import AvatarError
from avatar_appliance.log import log_defect

from .errors import SystemdUnavailable
from .systemd_bus import SignalHandler, SystemdBus

_LOGGER = logging.getLogger(__name__)

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 5.0


class SystemdLink:
    """Connected from entering to leaving `async with`, with gaps; entering raises SystemdUnavailable.

    `greet` is awaited with each new connection before anybody else gets it: what is known must be asked anew. Calls
    wait `patience_s` for a connection.
    """

    def __init__(
        self,
        address: str | None,
        heard: SignalHandler,
        greet: Callable[[SystemdBus], Awaitable[None]],
        patience_s: float,
    ) -> None:
        self._address = address
        self._heard = heard
        self._greet = greet
        self._patience_s = patience_s
        self._bus: SystemdBus | None = None
        self._there = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._connect()
        self._keeping = asyncio.create_task(self._keep(), name="link to systemd")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self._bus is not None:
            await self._bus.close()
            self._there.clear()

    async def call(
        self, member: str, signature: str = "", body: Sequence[Any] = (), *, repeat: bool = True
    ) -> list[Any]:
        """Call the manager, as `SystemdBus.call` does.

        `repeat`: it does no harm to ask again when the connection broke before the answer came.
        """
        give_up_s = self._give_up_s()
        while True:
            bus = await self.bus(give_up_s)
            try:
                return await bus.call(member, signature, body)
            except SystemdUnavailable:
                if not repeat or not bus.lost.is_set():
                    raise

    async def bus(self, give_up_s: float | None = None) -> SystemdBus:
        """Return the connection as soon as there is one.

        Raises SystemdUnavailable at `give_up_s` of the loop's clock, by default when patience is at its end.
        """
        try:
            async with asyncio.timeout_at(self._give_up_s() if give_up_s is None else give_up_s):
                while True:
                    await self._there.wait()
                    if self._bus is not None and not self._bus.lost.is_set():
                        return self._bus
                    self._there.clear()  # the link will see in a moment that it is gone
        except TimeoutError:
            raise SystemdUnavailable(f"systemd's bus was away for {self._patience_s:g} s") from None

    def _give_up_s(self) -> float:
        return asyncio.get_running_loop().time() + self._patience_s

    async def _connect(self) -> None:
        bus = await SystemdBus.connect(self._address, self._heard)
        try:
            await self._greet(bus)
        except BaseException:
            await bus.close()
            raise
        self._bus = bus
        self._there.set()

    async def _keep(self) -> None:
        while True:
            assert self._bus is not None
            await self._bus.lost.wait()
            self._there.clear()
            await self._bus.close()
            self._bus = None
            _LOGGER.warning("the connection to systemd is gone; connecting again")
            await self._connect_again()
            _LOGGER.info("connected to systemd again")

    async def _connect_again(self) -> None:
        delay_s = FIRST_DELAY_S
        while True:
            try:
                await self._connect()
                return
            except AvatarError as error:
                _LOGGER.debug("%s", error.text)
            except Exception as error:  # noqa: BLE001 - nobody awaits this task's result, and it must go on
                log_defect(_LOGGER, "connecting to systemd", error)
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, LONGEST_DELAY_S)
