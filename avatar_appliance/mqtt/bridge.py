"""The bridge: what the coordinator and the turns do goes out, what automations want comes in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import time
from collections.abc import AsyncIterator

import aiomqtt

from avatar_appliance.bounded_stream import BoundedStream
from avatar_appliance.config.mqtt import MqttSettings
from avatar_appliance.coordinator.state import CoordinatorControl, CoordinatorState
from avatar_appliance.errors import AvatarError
from avatar_appliance.log import log_defect
from avatar_appliance.store import DecisionRecord, Turn
from avatar_appliance.turns.turn_feed import TurnFeed

from . import payloads
from .commands import carry_out
from .connection import OFFLINE, ONLINE, connected
from .ending import end_tasks
from .entities import Words, discovery_payload, without_leftovers
from .errors import BrokerRefused
from .finished_turns import FinishedTurns
from .topics import Topics

_LOGGER = logging.getLogger(__name__)

LOOK_S = 5.0
"""How often states are compared with what was last said, beside after each decision."""
FIRST_RETRY_S, LAST_RETRY_S = 1.0, 60.0
REFUSALS_EVERY_S = 10.0
"""At most one refused command in this time is a warning in the log; each is told over MQTT."""


class MqttBridge:
    """Keeps a connection to the broker of `settings` (its `host` is given); use `async with bridge.running()`.

    While the broker is away the last 256 events wait for it, and states are told anew when it is back. Nothing here
    ever makes the coordinator or a turn wait. Without a `coordinator` there are events of turns only.
    """

    def __init__(
        self,
        settings: MqttSettings,
        topics: Topics,
        turns: TurnFeed,
        coordinator: CoordinatorControl | None,
        words: Words,
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._turns = turns
        self._coordinator = coordinator
        self._words = words
        self._events: BoundedStream[tuple[str, str]] = BoundedStream(lambda _: None)
        self._look = asyncio.Event()
        self._online = asyncio.Event()
        self._trouble = ""
        """Why there is no connection at this moment; told once."""
        self._quiet_until = 0.0

    async def online(self) -> None:
        """Return when a connection stands and everything was said over it."""
        await self._online.wait()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work until left; then say `offline`."""
        tasks = [asyncio.create_task(self._follow_turns(), name="mqtt turns")]
        if self._coordinator is not None:
            tasks.append(asyncio.create_task(self._follow_decisions(self._coordinator), name="mqtt decisions"))
        tasks.append(asyncio.create_task(self._stay_connected(), name="mqtt"))
        try:
            yield
        finally:
            for error in await end_tasks(tasks):
                log_defect(_LOGGER, "defect in the MQTT bridge", error)

    async def _follow_turns(self) -> None:
        finished = FinishedTurns(self._turn_over)
        try:
            with self._turns.stream() as changes:
                async for change in changes:
                    finished.changed(change)
        finally:
            finished.close()

    def _turn_over(self, turn: Turn) -> None:
        self._events.put((self._topics.turn, payloads.turn(turn, with_text=self._settings.publish_text)))

    async def _follow_decisions(self, coordinator: CoordinatorControl) -> None:
        with coordinator.events() as decisions:
            async for decision in decisions:
                record = DecisionRecord.of(decision, coordinator.time_of_day(decision.at_s))
                self._events.put((self._topics.decision, payloads.decision(record)))
                self._look.set()

    async def _stay_connected(self) -> None:
        retry_s = FIRST_RETRY_S
        while True:
            try:
                async with connected(self._settings, self._topics) as client:
                    retry_s = FIRST_RETRY_S
                    await self._talk(client)
            except AvatarError as error:
                self._note_trouble(error)
            except Exception as error:  # noqa: BLE001 - a bad answer of a broker must not end the bridge
                log_defect(_LOGGER, "defect in the MQTT bridge", error)
            finally:
                self._online.clear()
            await asyncio.sleep(retry_s * random.uniform(0.5, 1.0))
            retry_s = min(LAST_RETRY_S, retry_s * 2)

    def _note_trouble(self, error: AvatarError) -> None:
        if error.text != self._trouble:  # once, not every minute of a night
            level = logging.ERROR if isinstance(error, BrokerRefused) else logging.WARNING
            _LOGGER.log(level, "%s (%s). %s", error.text, error.code, error.hint)
        self._trouble = error.text

    async def _talk(self, client: aiomqtt.Client) -> None:
        for topic in (*self._topics.commands, self._topics.birth, self._topics.discovery):
            if topic is not None:
                await client.subscribe(topic, qos=1)
        await client.publish(self._topics.availability, ONLINE, qos=1, retain=True)
        said: dict[str, str] = {}
        await self._introduce(client, said)
        _LOGGER.info("connected to the MQTT broker at %s", self._settings.host)
        self._trouble = ""
        self._online.set()
        talking = [
            asyncio.create_task(self._tell_states(client, said)),
            asyncio.create_task(self._tell_events(client)),
            asyncio.create_task(self._listen(client, said)),
        ]
        try:
            await _first_failure(talking)
        except asyncio.CancelledError:
            # The will is for accidents: a broker keeps quiet about one who says good-bye.
            with contextlib.suppress(aiomqtt.MqttError):
                await client.publish(self._topics.availability, OFFLINE, qos=1, retain=True)
            raise

    async def _introduce(self, client: aiomqtt.Client, said: dict[str, str]) -> None:
        """Say who we are and how everything is, whatever was said before."""
        if self._topics.discovery is not None:
            payload = discovery_payload(self._state(), self._topics, self._words)
            await client.publish(self._topics.discovery, payloads.dump(payload), qos=1, retain=True)
        said.clear()
        await self._tell_changes(client, said)

    async def _tell_states(self, client: aiomqtt.Client, said: dict[str, str]) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._look.wait()
            self._look.clear()
            await self._tell_changes(client, said)

    async def _tell_changes(self, client: aiomqtt.Client, said: dict[str, str]) -> None:
        state = self._state()
        if state is None:
            return
        for topic, payload in payloads.states(state, self._topics, time.time()).items():
            if said.get(topic) != payload:
                await client.publish(topic, payload, qos=1, retain=True)
                said[topic] = payload

    async def _tell_events(self, client: aiomqtt.Client) -> None:
        async for topic, payload in self._events:
            try:
                await client.publish(topic, payload, qos=1)
            except BaseException:
                self._events.put((topic, payload))  # for the next connection: late is better than never
                raise

    async def _listen(self, client: aiomqtt.Client, said: dict[str, str]) -> None:
        async for message in client.messages:
            topic, body = message.topic.value, message.payload
            if topic == self._topics.birth:
                if body == ONLINE.encode():
                    await self._introduce(client, said)
            elif topic == self._topics.discovery:
                await self._tidy(client, body)
            elif message.retain:
                # Kept by the broker, so nobody wants it now: it would be carried out at every start.
                _LOGGER.warning("a retained command on %r was ignored: send commands without `retain`", topic)
            elif self._coordinator is not None:
                await self._command(client, topic, body, self._coordinator)

    async def _command(self, client: aiomqtt.Client, topic: str, body: bytes, control: CoordinatorControl) -> None:
        try:
            await carry_out(topic, body, control, self._topics)
        except AvatarError as error:
            self._note_refusal(topic, error)
            await client.publish(self._topics.error, payloads.error(topic, error), qos=1)
        self._look.set()

    def _note_refusal(self, topic: str, error: AvatarError) -> None:
        now = time.monotonic()
        quiet = now < self._quiet_until  # an automation gone wild must not fill the log
        if not quiet:
            self._quiet_until = now + REFUSALS_EVERY_S
        level = logging.DEBUG if quiet else logging.WARNING
        _LOGGER.log(level, "MQTT command on %r: %s (%s)", topic, error.text, error.code)

    async def _tidy(self, client: aiomqtt.Client, body: bytes) -> None:
        """Have entities removed that an earlier configuration had: what the broker kept tells which."""
        try:
            before = json.loads(body) if body else None
        except (ValueError, RecursionError):
            before = None
        payload = discovery_payload(self._state(), self._topics, self._words)
        marked = without_leftovers(payload, before)
        if marked is not None and self._topics.discovery is not None:
            for version in (marked, payload):
                await client.publish(self._topics.discovery, payloads.dump(version), qos=1, retain=True)

    def _state(self) -> CoordinatorState | None:
        return None if self._coordinator is None else self._coordinator.state()


async def _first_failure(tasks: list[asyncio.Task[None]]) -> None:
    """Return when one has ended or failed (then raise); no task is left either way."""
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await end_tasks(tasks)
