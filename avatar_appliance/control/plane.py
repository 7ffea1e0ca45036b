"""The control plane: opens the store, takes reports, announces the servers, serves the HTTP API."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING

from avatar_appliance.admin.app import create_app
from avatar_appliance.admin.dependencies import AdminDependencies
from avatar_appliance.admin.owner_socket import serve_owner_socket
from avatar_appliance.admin.server import serve
from avatar_appliance.admin.token import OwnerToken
from avatar_appliance.backup.restore_swap import roll_back
from avatar_appliance.backup.state_lock import state_in_use
from avatar_appliance.chat import Chat
from avatar_appliance.chat.servers import Servers
from avatar_appliance.config import Settings
from avatar_appliance.coordinator.commands import CoordinatorCommands
from avatar_appliance.coordinator.launcher import WorkerLauncher
from avatar_appliance.coordinator.launching import ProcessLauncher
from avatar_appliance.discovery import Announcer, Policy, load_machine_identity
from avatar_appliance.errors import AvatarError
from avatar_appliance.log import log_defect
from avatar_appliance.notify import notify
from avatar_appliance.processes.errors import SystemdUnavailable
from avatar_appliance.processes.protocol import ProcessManager
from avatar_appliance.pronunciations import HouseholdPronunciations, pronunciations_path
from avatar_appliance.speech.client import speech_figures
from avatar_appliance.store import RetentionLimits, Store
from avatar_appliance.turns import TurnJoiner
from avatar_appliance.turns.turn_feed import TurnFeed
from avatar_appliance.voices.open_voices import open_voices
from avatar_appliance.watchdog import feed_watchdog

from .announcing import Announcing, local_endpoint
from .coordination import coordination
from .fact_server import FactServer
from .idle_canary import IdleCanary
from .report_server import ReportServer
from .saying import say
from .self_check import ask_ourselves
from .system import ApplianceSystem
from .worker_launches import worker_launches

if TYPE_CHECKING:
    from avatar_appliance.mqtt.bridge import MqttBridge
    from avatar_appliance.processes.systemd_units import SystemdUnits

_LOGGER = logging.getLogger(__name__)

TICK_S = 5.0
RETENTION_INTERVAL_S = 3600.0


class ControlPlane:
    """One running control plane; made by `ControlPlane.run`."""

    def __init__(
        self,
        settings: Settings,
        announcing: Announcing,
        new_token: str | None,
        coordinator: CoordinatorCommands | None,
        coordinating: contextlib.AsyncExitStack,
    ) -> None:
        self.settings = settings
        self.announcing = announcing
        self.new_token = new_token
        """The owner's token if this start made it: the only moment it can be shown."""
        self.coordinator = coordinator
        self._coordinating = coordinating

    @classmethod
    @contextlib.asynccontextmanager
    async def run(
        cls,
        settings: Settings,
        processes: ProcessManager | None = None,
        launcher: WorkerLauncher | None = None,
        *,
        simulate_gpu_bytes: int | None = None,
        workers_are_ours: bool = True,
    ) -> AsyncIterator[ControlPlane]:
        """Start everything and stop it in reverse order.

        `processes` are those that this control plane manages, if any; without a `launcher` there is no coordinator, and
        the servers use what workers are up. Raises what the store raises, and ConfigError when the API's port is taken.
        """
        state_dir = settings.paths.state_dir
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(state_in_use(state_dir))  # no restore under it, and no second control plane
            roll_back(state_dir)  # of a restore that was killed
            store = await stack.enter_async_context(_store(settings))
            turn_feed = TurnFeed()
            audio = store.audio if settings.store.audio else None
            joiner = TurnJoiner(store.turns, audio, clock=time.time, on_change=turn_feed.put)
            await joiner.load()
            reports = ReportServer(settings.paths.runtime_dir, joiner)
            await reports.start()
            stack.push_async_callback(reports.stop)
            facts = FactServer(settings.paths.runtime_dir, store)
            await facts.start()
            stack.push_async_callback(facts.stop)
            identity = load_machine_identity(state_dir)
            announcer = Announcer(
                identity,
                Policy(
                    bind_host=settings.host,
                    addresses=tuple(settings.discovery.addresses),
                    interfaces=tuple(settings.discovery.interfaces),
                ),
            )
            if settings.discovery.enabled:
                await stack.enter_async_context(announcer)
            announcing = Announcing(settings, announcer)
            token = OwnerToken(state_dir, settings.admin.token)
            new_token = token.ensure()
            coordinating = await stack.enter_async_context(contextlib.AsyncExitStack())
            coordinator = None
            if launcher is not None:
                running = coordination(
                    settings,
                    store,
                    launcher,
                    simulate_gpu_bytes=simulate_gpu_bytes,
                    workers_are_ours=workers_are_ours,
                )
                coordinator = await coordinating.enter_async_context(running)
            voices = await stack.enter_async_context(open_voices(settings, store.database))
            canary = None
            if coordinator is not None and settings.canary.enabled:
                canary = IdleCanary(settings, coordinator)
            problems = canary.problems if canary is not None else tuple
            system = ApplianceSystem(settings, announcer, announcing, processes, coordinator, problems)
            app = create_app(
                AdminDependencies(
                    store=store,
                    token=token,
                    system=system,
                    coordinator=coordinator,
                    voices=voices,
                    pronunciations=HouseholdPronunciations(pronunciations_path(state_dir)),
                    speech_figures=partial(speech_figures, settings.paths.runtime_dir),
                    say=partial(say, settings),
                    chat=_chat(settings, turn_feed),
                    max_upload_bytes=settings.voices.max_upload,
                ),
                allowed_hosts=settings.admin.allowed_hosts,
            )
            await stack.enter_async_context(serve(app, settings.admin.host, settings.admin.port))
            await stack.enter_async_context(serve_owner_socket(app, settings.paths.runtime_dir))
            if settings.mqtt.host is not None:
                bridge = _mqtt(settings, identity.short, turn_feed, coordinator)
                await stack.enter_async_context(bridge.running())
            for coroutine in (announcing.run(), _tick(joiner), _retention(store)):
                stack.push_async_callback(_end, asyncio.create_task(coroutine))
            if canary is not None:
                stack.push_async_callback(_end, asyncio.create_task(canary.run(), name="canary"))
            yield cls(settings, announcing, new_token, coordinator, coordinating)

    async def stop_coordinating(self) -> None:
        """End the coordinator, before the processes it would otherwise bring up again are stopped."""
        await self._coordinating.aclose()


async def run_control_plane(settings: Settings) -> None:
    """Run the control plane alone until SIGTERM or SIGINT, as systemd does: the other processes are units."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with contextlib.AsyncExitStack() as stack:
        units = await _units(stack)
        launcher = None
        if units is not None:
            launches = worker_launches(settings)
            launcher = await stack.enter_async_context(ProcessLauncher(units, launches, settings.paths.runtime_dir))
        plane = await stack.enter_async_context(
            ControlPlane.run(settings, units, launcher, workers_are_ours=units is None)
        )
        if plane.new_token is not None:
            # Not into the log: a token shown once must not be readable there for ever.
            _LOGGER.warning("an owner's token was made; `avatar token --renew` makes one you can see")
        notify(READY="1", STATUS="running")
        feeding = asyncio.create_task(feed_watchdog(lambda: ask_ourselves(settings.paths.runtime_dir)), name="watchdog")
        stack.push_async_callback(_end, feeding)
        await stopping.wait()
        notify(STOPPING="1")


async def _units(stack: contextlib.AsyncExitStack) -> SystemdUnits | None:
    """Return the units of this machine; None where there is no systemd, or not for us."""
    # Only here: `avatar up` needs no D-Bus, and its library takes megabytes.
    from avatar_appliance.processes.systemd_units import SystemdUnits

    try:
        return await stack.enter_async_context(SystemdUnits())
    except SystemdUnavailable as error:
        _LOGGER.warning("no coordinator: %s; the servers use the workers that are up", error.text)
        return None


def _mqtt(settings: Settings, node: str, turns: TurnFeed, coordinator: CoordinatorCommands | None) -> MqttBridge:
    # Only here: most houses have no broker.
    from avatar_appliance.mqtt.bridge import MqttBridge
    from avatar_appliance.mqtt.entities import words
    from avatar_appliance.mqtt.topics import Topics

    topics = Topics(settings.mqtt.base_topic, settings.mqtt.discovery_prefix, node)
    return MqttBridge(settings.mqtt, topics, turns, coordinator, words(settings.house.languages[0]))


def _chat(settings: Settings, turns: TurnFeed) -> Chat:
    asr, conversation, tts = (local_endpoint(settings, role) for role in ("asr", "conversation", "tts"))
    return Chat(Servers(asr, conversation, tts), turns, settings.house.languages)


def _store(settings: Settings) -> contextlib.AbstractAsyncContextManager[Store]:
    bounds = settings.coordinator
    return Store.open(
        settings.paths.state_dir,
        limits=_limits(settings),
        max_decisions=bounds.max_decisions,
        decision_days=bounds.decision_days,
        max_facts=settings.conversation.memory.max_facts,
    )


def _limits(settings: Settings) -> RetentionLimits:
    store = settings.store
    return RetentionLimits(
        days=store.retention_days, audio_days=store.audio_days, max_audio_bytes=store.max_audio_bytes
    )


async def _tick(joiner: TurnJoiner) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        try:
            await joiner.tick()
        except AvatarError as error:
            _LOGGER.warning("history: %s (%s)", error.text, error.code)
        except Exception as error:  # noqa: BLE001 - the history must not end because of one bad turn
            log_defect(_LOGGER, "defect in the history", error)


async def _retention(store: Store) -> None:
    while True:
        try:
            done = await store.retention.run(time.time())
            if done.turns_deleted or done.audio_deleted:
                _LOGGER.info("retention: %d turns and %d recordings deleted", done.turns_deleted, done.audio_deleted)
        except AvatarError as error:
            _LOGGER.warning("retention: %s (%s)", error.text, error.code)
        await asyncio.sleep(RETENTION_INTERVAL_S)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    outcome = await asyncio.gather(task, return_exceptions=True)
    if isinstance(outcome[0], Exception):
        log_defect(_LOGGER, "defect in the background", outcome[0])
