"""Children from start to stop, as long as they behave."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from avatar_appliance.errors import ConfigError
from avatar_appliance.processes import ProcessSpec, ProcessState, ProcessUnknown

if TYPE_CHECKING:
    from .conftest import Nursery

READY = "say('READY=1'); wait()"


async def test_a_child_is_ready_when_it_says_so(nursery: Nursery) -> None:
    await nursery.start("say('STATUS=loading'); say('READY=1\\nSTATUS=listening'); wait()")
    starting = await nursery.sees(lambda status: status.pid is not None)
    assert starting.state is ProcessState.STARTING
    ready = await nursery.sees(ProcessState.READY)
    assert (ready.status_text, ready.pid, ready.restarts, ready.last_exit) == ("listening", starting.pid, 0, None)
    assert ready.since >= starting.since
    assert nursery.states() == [ProcessState.STARTING, ProcessState.READY]


async def test_a_child_that_has_not_said_it_is_ready_is_not(nursery: Nursery) -> None:
    await nursery.start("say('STATUS=loading 40 %'); wait()")
    loading = await nursery.sees(lambda status: bool(status.status_text))
    assert (loading.state, loading.status_text) == (ProcessState.STARTING, "loading 40 %")


async def test_status_texts_of_a_ready_child_are_followed_and_made_harmless(nursery: Nursery) -> None:
    await nursery.started("""
        signal.signal(signal.SIGUSR1, lambda *_: say("STATUS=2 voices\\x1b[31m" + "x" * 1000))
        say("READY=1")
        wait()
    """)
    since = nursery.seen[-1].since
    os.kill(nursery.pids.pop(), signal.SIGUSR1)
    status = await nursery.sees(lambda status: status.status_text.startswith("2 voices"))
    assert status.state is ProcessState.READY
    assert status.since == since, "the state is as old as it was"
    assert "\x1b" not in status.status_text
    assert len(status.status_text) == 200


async def test_a_stopped_child_is_asked_to_end_and_stays_stopped(nursery: Nursery) -> None:
    await nursery.started("""
        signal.signal(signal.SIGTERM, lambda *_: (say("STOPPING=1\\nSTATUS=draining"), sys.exit(7)))
        say("READY=1")
        wait()
    """)
    await nursery.children.stop("asr")
    status = nursery.children.statuses()["asr"]
    assert (status.state, status.last_exit, status.pid, status.last_error) == (ProcessState.STOPPED, 7, None, "")
    assert nursery.states()[-2:] == [ProcessState.STOPPING, ProcessState.STOPPED]
    before = list(nursery.seen)
    await nursery.children.stop("asr")
    assert nursery.seen == before, "stopping what is stopped says nothing new"


async def test_a_second_start_joins_the_first(nursery: Nursery) -> None:
    spec = await nursery.start(READY)
    await nursery.children.start(spec)
    await nursery.sees(ProcessState.READY)
    await nursery.children.start(spec)
    assert nursery.states() == [ProcessState.STARTING, ProcessState.READY]
    assert len(nursery.pids) == 1


async def test_a_changed_spec_counts_from_the_next_life_on(nursery: Nursery) -> None:
    first = await nursery.started("say('READY=1\\nSTATUS=' + os.environ.get('VOICE', 'none')); wait()")
    spec = nursery.spec("say('READY=1\\nSTATUS=' + os.environ.get('VOICE', 'none')); wait()", env={"VOICE": "amy"})
    await nursery.children.start(spec)
    assert nursery.children.statuses()["asr"] == first
    await nursery.children.restart("asr")
    assert (await nursery.sees(ProcessState.READY)).status_text == "amy"


async def test_restart_is_a_new_life_that_nobody_counts_as_a_failure(nursery: Nursery) -> None:
    first = await nursery.started(READY)
    await nursery.children.restart("asr")
    second = await nursery.sees(ProcessState.READY)
    assert second.pid != first.pid
    assert (second.restarts, second.last_exit, second.last_error) == (0, "SIGTERM", "")
    expected = [ProcessState.STARTING, ProcessState.READY, ProcessState.STOPPING, ProcessState.STOPPED]
    assert nursery.states() == [*expected, ProcessState.STARTING, ProcessState.READY]


async def test_commands_are_carried_out_in_the_order_they_came(nursery: Nursery) -> None:
    spec = nursery.spec(READY)
    await nursery.children.start(spec)
    async with asyncio.TaskGroup() as commands:
        for command in (nursery.children.stop("asr"), nursery.children.start(spec), nursery.children.restart("asr")):
            commands.create_task(command)
    await nursery.sees(ProcessState.READY)
    assert nursery.children.statuses()["asr"].state is ProcessState.READY


async def test_giving_up_on_a_stop_does_not_take_it_back(nursery: Nursery) -> None:
    spec = await nursery.start("""
        signal.signal(signal.SIGTERM, lambda *_: say("STATUS=draining"))
        signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0))
        say("READY=1")
        wait()
    """)
    first = await nursery.sees(ProcessState.READY)
    assert first.pid
    stop = asyncio.create_task(nursery.children.stop("asr"))
    await nursery.sees(lambda status: status.status_text == "draining")
    stop.cancel()
    await asyncio.wait({stop})
    start = asyncio.create_task(nursery.children.start(spec))
    os.kill(first.pid, signal.SIGUSR1)
    await start
    assert (await nursery.sees(ProcessState.READY)).pid != first.pid
    assert ProcessState.STOPPED in nursery.states()
    os.kill(nursery.children.statuses()["asr"].pid or 0, signal.SIGUSR1)


async def test_a_child_has_a_session_of_its_own_no_stdin_and_only_its_own_environment(
    nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    monkeypatch.setenv("FROM_US", "inherited")
    status = await nursery.started(
        """
        facts = [os.getsid(0) == os.getpgid(0) == os.getpid(), sys.stdin.read() == "", "WATCHDOG_USEC" in os.environ]
        say(f"READY=1\\nSTATUS={facts} {os.environ['FROM_US']} {os.environ['FROM_SPEC']}")
        wait()
        """,
        env={"FROM_SPEC": "added"},
    )
    assert status.status_text == "[True, True, False] inherited added"


async def test_statuses_are_in_the_order_of_the_first_start(nursery: Nursery) -> None:
    for name in ("tts", "asr", "llm"):
        await nursery.start(READY, name)
    await nursery.children.wait_ready(["tts", "asr", "llm"], 20)
    await nursery.children.restart("tts")
    assert list(nursery.children.statuses()) == ["tts", "asr", "llm"]


async def test_a_process_nobody_knows_is_named_in_the_error(nursery: Nursery) -> None:
    with pytest.raises(ProcessUnknown, match="'cellar'"):
        await nursery.children.stop("cellar")
    with pytest.raises(ProcessUnknown, match="'cellar'"):
        await nursery.children.restart("cellar")


async def test_a_too_long_socket_path_is_a_config_error_and_leaves_nothing(nursery: Nursery) -> None:
    with pytest.raises(ConfigError, match=r"notify-n+\.sock has 1\d\d bytes, and a unix socket may have 107"):
        await nursery.start(READY, "n" * 100)
    assert nursery.children.statuses() == {}


@pytest.mark.parametrize(
    "change",
    [{"name": "../asr"}, {"name": ""}, {"name": "a\nb"}, {"argv": ()}, {"start_timeout_s": 0}, {"stop_timeout_s": -1}],
)
def test_a_spec_that_cannot_work_is_a_config_error(change: dict[str, object]) -> None:
    spec = ProcessSpec("asr", ("true",), "worker", start_timeout_s=1)
    with pytest.raises(ConfigError):
        replace(spec, **change)  # type: ignore[arg-type]
