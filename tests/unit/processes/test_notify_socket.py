"""Who is believed when it says that a child is ready."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from avatar_appliance.errors import ConfigError
from avatar_appliance.processes import ProcessState
from avatar_appliance.processes.notify_socket import NotifySocket, notify_path

if TYPE_CHECKING:
    from .conftest import Nursery

# Says when it is asked to: whatever came before its word has then been read.
ANSWERS = "signal.signal(signal.SIGUSR1, lambda *_: say('STATUS=asked')); say('STATUS=waiting'); wait()"


def _send(path: Path, message: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(message, str(path))


async def test_a_stranger_cannot_declare_a_child_ready(nursery: Nursery) -> None:
    await nursery.start(ANSWERS)
    waiting = await nursery.sees(lambda status: status.status_text == "waiting")
    _send(nursery.runtime_dir / "notify-asr.sock", b"READY=1\nSTATUS=hijacked")
    os.kill(waiting.pid or 0, signal.SIGUSR1)
    asked = await nursery.sees(lambda status: status.status_text == "asked")
    assert asked.state is ProcessState.STARTING
    assert "hijacked" not in [status.status_text for status in nursery.seen]


async def test_one_child_cannot_speak_for_another(nursery: Nursery) -> None:
    await nursery.start(ANSWERS, "tts")
    waiting = await nursery.sees(lambda status: status.status_text == "waiting", "tts")
    await nursery.started(
        f"say('READY=1')\nos.environ['NOTIFY_SOCKET'] = {str(nursery.runtime_dir / 'notify-tts.sock')!r}\n"
        "say('READY=1')\nwait()"
    )
    os.kill(waiting.pid or 0, signal.SIGUSR1)
    assert (await nursery.sees(lambda status: status.status_text == "asked", "tts")).state is ProcessState.STARTING


async def test_a_process_in_the_group_of_the_child_is_believed(nursery: Nursery) -> None:
    send = (
        "import os, socket; "
        "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])"
    )
    await nursery.started(f"grandchild({send!r}); wait()")


async def test_the_last_words_of_a_child_are_heard(nursery: Nursery) -> None:
    await nursery.start("[say(f'STATUS={n}') for n in range(10)]; say('STATUS=no such model'); os._exit(1)")
    failed = await nursery.sees(ProcessState.FAILED)
    assert failed.last_error == "ended by itself with exit code 1 (its last status: no such model)"


async def test_what_came_in_before_the_socket_was_closed_is_passed_on(runtime_dir: Path) -> None:
    notify = NotifySocket(runtime_dir / "notify-asr.sock")
    heard: list[Mapping[str, str]] = []
    notify.listen(os.getpgrp(), heard.append)
    _send(notify.path, b"STATUS=last words")
    notify.close()
    assert heard == [{"STATUS": "last words"}]
    assert not notify.path.exists()


async def test_messages_that_make_no_sense_change_nothing(nursery: Nursery) -> None:
    await nursery.start("""
        say("")
        say("READY\\n=1\\nREADY=0\\n\\xff")
        say("READY=1\\nSTATUS=" + "x" * 10000)  # beyond what systemd takes
        say("STATUS=still starting")
        wait()
    """)
    status = await nursery.sees(lambda status: bool(status.status_text))
    assert (status.state, status.status_text) == (ProcessState.STARTING, "still starting")


async def test_a_child_that_never_stops_talking_can_be_stopped(nursery: Nursery) -> None:
    await nursery.started("""
        number = 0
        while True:
            number += 1
            say(f"READY=1\\nSTATUS={number}")
    """)
    await nursery.sees(lambda status: status.status_text.isdigit() and int(status.status_text) > 200)
    await nursery.children.stop("asr")
    assert nursery.children.statuses()["asr"].last_exit == "SIGTERM"


async def test_a_socket_left_by_a_killed_life_is_replaced(nursery: Nursery) -> None:
    path = nursery.runtime_dir / "notify-asr.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as left:
        left.bind(str(path))
    await nursery.started("say('READY=1'); wait()")
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_longest_path_a_unix_socket_may_have_is_taken_and_one_more_is_not(runtime_dir: Path) -> None:
    name = "n" * (107 - len(str(notify_path(runtime_dir, ""))))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as longest:
        longest.bind(str(notify_path(runtime_dir, name)))
    with pytest.raises(ConfigError, match="has 108 bytes"):
        notify_path(runtime_dir, name + "n")
    with pytest.raises(ConfigError, match="bytes"):  # bytes count, not characters
        notify_path(runtime_dir / ("廚" * 30), "asr")
