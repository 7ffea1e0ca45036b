"""The household as Home Assistant has it at this moment."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from typing import Any

from avatar_appliance.errors import AvatarError
from avatar_appliance.log import log_defect
from wyoming_servers.house.entity import EntityState
from wyoming_servers.house.errors import HomeAssistantAway, HomeAssistantRefused
from wyoming_servers.house.household import Household

from .address import HomeAssistantAddress
from .compressed_states import changed_states
from .registries import Registries, exposed_ids, layout_of
from .socket_api import SocketApi, open_socket_api

logger = logging.getLogger(__name__)

REGISTRY_EVENTS = (
    "area_registry_updated",
    "device_registry_updated",
    "entity_registry_updated",
    "floor_registry_updated",
)
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
# Each refused log-in counts towards Home Assistant's ban on addresses.
REFUSED_WAIT_S = 300.0
# Registry events come in bursts (an integration that loads): one reading serves them all.
SETTLE_S = 0.3


class LiveHousehold:
    """Follows one Home Assistant over its WebSocket API, for ever: it reconnects by itself.

    States arrive as they change. Names, areas and what is exposed are read again when a registry changes and every
    `refresh_s` (exposing an entity without a unique id is announced by no event).
    """

    def __init__(
        self, address: HomeAssistantAddress, refresh_s: float, on_layout: Callable[[], None] = lambda: None
    ) -> None:
        """`on_layout` is called whenever something was renamed, moved, exposed or hidden."""
        self._address = address
        self._on_layout = on_layout
        self._refresh_s = refresh_s
        self._household = Household()
        self._task: asyncio.Task[None] | None = None
        self._live = False
        self._stale = asyncio.Event()
        self._changes: set[asyncio.Event] = set()
        self._trouble: AvatarError | None = HomeAssistantAway("Home Assistant was not asked yet")

    def household(self) -> Household:
        """Return the newest snapshot; of a Home Assistant that went away the last one."""
        return self._household

    @property
    def is_live(self) -> bool:
        """Whether the connection is up, and the states with it."""
        return self._live

    @property
    def trouble(self) -> AvatarError | None:
        """Why it is not live; None while it is."""
        return None if self._live else self._trouble

    async def start(self) -> None:
        """Begin to follow, in the background."""
        if self._task is None:
            self._task = asyncio.create_task(self._follow_for_ever(), name="live household")

    async def close(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def wait_until(self, holds: Callable[[Household], bool], timeout_s: float) -> bool:
        """Wait for a snapshot of a live household for which `holds` is true; False if none came in time."""
        changed = asyncio.Event()
        self._changes.add(changed)
        try:
            async with asyncio.timeout(timeout_s):
                while not (self._live and holds(self._household)):
                    await changed.wait()
                    changed.clear()
            return True
        except TimeoutError:
            return False
        finally:
            self._changes.discard(changed)

    async def _follow_for_ever(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            try:
                async with open_socket_api(self._address) as api, asyncio.TaskGroup() as tasks:
                    tasks.create_task(api.read(), name="home assistant reader")
                    tasks.create_task(self._follow(api), name="home assistant follower")
            except AvatarError as error:
                self._note(error)
            except ExceptionGroup as group:
                self._note(_first_cause(group))
            finally:
                if self._live:
                    wait_s = FIRST_WAIT_S
                self._live = False
                self._announce()
            refused = isinstance(self._trouble, HomeAssistantRefused)
            await asyncio.sleep(REFUSED_WAIT_S if refused else wait_s * random.uniform(0.8, 1.2))
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    def _note(self, error: AvatarError) -> None:
        """Log a trouble once, not at every try."""
        before = self._trouble
        self._trouble = error
        if self._live or before is None or (type(before), before.text) != (type(error), error.text):
            logger.warning("Home Assistant: %s (%s)", error.text, error.hint)

    async def _follow(self, api: SocketApi) -> None:
        self._stale.clear()
        for event in REGISTRY_EVENTS:
            await api.subscribe("subscribe_events", lambda _: self._stale.set(), event_type=event)
        subscription: int | None = None
        watched: list[str] = []
        while True:
            registries = await _read_registries(api)
            if subscription is None or watched != list(registries.exposed):
                if subscription is not None:
                    await api.unsubscribe(subscription)
                watched = list(registries.exposed)
                subscription = await self._watch(api, watched)
            self._adopt(registries)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._refresh_s):
                    await self._stale.wait()
                    await asyncio.sleep(SETTLE_S)
            self._stale.clear()

    async def _watch(self, api: SocketApi, entity_ids: list[str]) -> int | None:
        """Subscribe to these states and wait for their first values."""
        if not entity_ids:  # an empty list would mean all
            self._household = Household(self._household.layout)
            return None
        first = asyncio.Event()

        def take(event: Any) -> None:
            known = self._household.states if first.is_set() else {}
            changed = changed_states(event, known)
            if not first.is_set():
                self._household = Household(self._household.layout, _present(changed))
                first.set()
            else:
                self._household = self._household.with_states(changed)
            if any(entity_id not in known for entity_id in changed):
                self._stale.set()  # one that has just loaded gets its name now
            self._announce()

        number = await api.subscribe("subscribe_entities", take, entity_ids=entity_ids)
        try:
            async with asyncio.timeout(self._address.timeout_s):
                await first.wait()
        except TimeoutError:
            raise HomeAssistantAway("Home Assistant sent no states") from None
        self._stale.clear()
        return number

    def _adopt(self, registries: Registries) -> None:
        layout = layout_of(registries, self._household.states)
        if layout != self._household.layout:  # equal layouts stay the same object: costly things hang on it
            self._household = Household(layout, self._household.states)
            self._on_layout()
            logger.info("household: %d areas, %d exposed entities", len(layout.areas), len(layout.entities))
        self._live, self._trouble = True, None
        self._announce()

    def _announce(self) -> None:
        for changed in self._changes:
            changed.set()


async def _read_registries(api: SocketApi) -> Registries:
    ids = exposed_ids(await api.ask("homeassistant/expose_entity/list"))
    entries = await api.ask("config/entity_registry/get_entries", entity_ids=ids) if ids else {}
    return Registries(
        floors=await api.ask("config/floor_registry/list"),
        areas=await api.ask("config/area_registry/list"),
        devices=await api.ask("config/device_registry/list"),
        entities=await api.ask("config/entity_registry/list"),
        exposed={entity_id: entries.get(entity_id) for entity_id in ids},
    )


def _present(states: dict[str, EntityState | None]) -> dict[str, EntityState]:
    return {key: state for key, state in states.items() if state is not None}


def _first_cause(group: ExceptionGroup[Exception]) -> AvatarError:
    """Return the trouble of the connection; anything else is a defect, and following goes on after it."""
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            return _first_cause(error)
        if not isinstance(error, AvatarError):
            log_defect(logger, "following Home Assistant", error)
            return HomeAssistantAway(f"its answer could not be understood ({type(error).__name__})")
    first = group.exceptions[0]
    assert isinstance(first, AvatarError)
    return first
