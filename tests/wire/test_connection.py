"""One connection: life signs, order, errors, hanging up."""

from __future__ import annotations

import asyncio
import logging
import socket

import pytest
from wire_harness.clients import connect, raw
from wire_harness.scripted import ScriptedHandler
from wire_harness.servers import Served, Servers
from wire_harness.waiting import PATIENCE_S, PROMPT_S, quickest, seconds_until, until
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info, SelectProgram
from wyoming.ping import Ping, Pong

from avatar_appliance.config.settings import LimitsSettings
from wyoming_servers.base import WyomingServer


@pytest.fixture
def handler() -> ScriptedHandler:
    return ScriptedHandler()


@pytest.fixture
async def served(servers: Servers, handler: ScriptedHandler) -> Served:
    return await servers.start(handler)


async def test_describe_and_ping_are_answered(served: Served) -> None:
    async with connect(served.uri) as client:
        await client.send(Describe(), Ping(text="there?"), Ping())
        assert [p.name for p in Info.from_event(await client.receive()).handle] == ["first", "second"]
        assert Pong.from_event(await client.receive()).text == "there?"
        assert Pong.from_event(await client.receive()).text is None


async def test_describe_and_ping_are_answered_while_a_request_computes(
    served: Served, handler: ScriptedHandler
) -> None:
    async with connect(served.uri) as client:
        await client.send(Event("wait", {"n": 1}))
        await until(lambda: handler.counts["wait begun"])
        await client.send(Describe(), Ping())
        assert (await client.receive()).type == "info"
        assert (await client.receive()).type == "pong"
        handler.go.set()
        assert await client.receive() == Event("waited", {"n": 1})


async def test_several_requests_on_one_connection_are_served_in_order(served: Served) -> None:
    async with connect(served.uri) as client:
        await client.send(*(Event("echo", {"n": n}) for n in range(50)))
        assert [(await client.receive()).data["n"] for _ in range(50)] == list(range(50))


async def test_unknown_events_between_requests_are_ignored(served: Served) -> None:
    async with connect(served.uri) as client:
        await client.send(Event("audio-chunk", {}, b"12"), Event("no-such-thing"), Event("echo", {"n": 1}))
        assert await client.receive() == Event("echoed", {"n": 1})


async def test_left_over_events_of_a_refused_request_begin_nothing(servers: Servers) -> None:
    served = await servers.start(ScriptedHandler(answers_refusals=True))
    async with connect(served.uri) as client:
        await client.send(Event("busy"), Event("chunk"), Event("stop"), Event("echo"))
        assert await client.receive() == Event("sorry", {"code": "worker-busy"})
        assert (await client.receive()).type == "echoed"


async def test_select_program_holds_for_the_connection(served: Served, handler: ScriptedHandler) -> None:
    async with connect(served.uri) as client:
        await client.send(Event("echo"), SelectProgram("second"), Event("echo"), Event("echo"))
        for _ in range(3):
            await client.receive()
    # The first one may have begun before or after the selection was read: only the later ones are certain.
    assert handler.programs[1:] == ["second", "second"]


async def test_select_program_with_an_unknown_name_is_an_error(served: Served) -> None:
    async with connect(served.uri) as client:
        await client.send(SelectProgram("third"))
        assert await client.error_code() == "program-unknown"


@pytest.mark.parametrize(
    ("request_type", "code"),
    [("voice", "voice-unknown"), ("busy", "worker-busy"), ("defect", "internal"), ("timeout", "internal")],
)
async def test_an_error_is_told_with_its_code_then_the_connection_closes(
    served: Served, request_type: str, code: str
) -> None:
    async with connect(served.uri) as client:
        await client.send(Event(request_type))
        event = await client.receive()
        assert Error.is_type(event.type)
        assert Error.from_event(event).code == code
        assert "somebody" not in Error.from_event(event).text
        assert await client.ended()


async def test_a_defect_is_logged_without_its_text(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with connect(served.uri) as client:
        await client.send(Event("defect"))
        await client.error_code()
    assert "ZeroDivisionError" in caplog.text
    assert "what somebody said" not in caplog.text


async def test_a_refusal_in_the_handlers_own_words_keeps_the_connection(servers: Servers) -> None:
    served = await servers.start(ScriptedHandler(answers_refusals=True))
    async with connect(served.uri) as client:
        for request_type, code in (("voice", "voice-unknown"), ("defect", "internal")):
            await client.send(Event(request_type), Event("echo"))
            assert await client.receive() == Event("sorry", {"code": code})
            assert (await client.receive()).type == "echoed"


async def test_a_scripted_hang_up_closes_without_a_word(served: Served) -> None:
    async with connect(served.uri) as client:
        await client.send(Event("hangup"))
        assert await client.ended()


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"nonsense\n", "bad-request"),
        (b'{"type": "ping", "data": 5}\n', "bad-request"),
        (b'{"type": "ping", "data": {"text": 5}}\n', "bad-request"),
        (b'{"type": "select-program"}\n', "bad-request"),
        (b'{"type": "echo", "data_length": -1}\n', "bad-request"),
        (b'{"type": "echo", "payload_length": 99999999999}\n', "frame-too-large"),
        (b"x" * 200_000, "frame-too-large"),
    ],
)
@pytest.mark.parametrize("eof", [True, False])
async def test_what_is_no_event_is_told_so(served: Served, sent: bytes, code: str, eof: bool) -> None:
    events = await raw(served.uri, sent, eof=eof)
    assert [event["code"] for event in events] == [code]


async def test_the_error_arrives_though_the_client_keeps_sending(served: Served) -> None:
    """Closing a socket that holds unread bytes resets it, and the reset would overtake the error."""
    reader, writer = await asyncio.open_unix_connection(str(served.path))

    async def keep_sending() -> None:
        try:
            while True:
                writer.write(b'{"type": "chunk", "payload_length": 65536}\n' + bytes(65_536))
                await writer.drain()
        except ConnectionError:
            pass

    sending = asyncio.create_task(keep_sending())
    writer.write(b'{"type": "voice"}\n')
    async with asyncio.timeout(PATIENCE_S):
        answer = await reader.readline() + await reader.readline()
    assert b'"error"' in answer
    assert b"voice-unknown" in answer
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    writer.transport.abort()


@pytest.mark.parametrize("request_type", ["wait", "collect", "flood"])
async def test_hanging_up_cancels_the_work(served: Served, handler: ScriptedHandler, request_type: str) -> None:
    async def attempt() -> float:
        begun = handler.counts[f"{request_type} begun"]
        async with connect(served.uri) as client:
            await client.send(Event(request_type))
            await until(lambda: handler.counts[f"{request_type} begun"] > begun)
            return await seconds_until(client.abort, lambda: not served.server.active_requests)

    assert await quickest(attempt) < PROMPT_S
    assert not handler.counts[f"{request_type} done"]
    await until(lambda: not served.server.connections)


async def test_a_client_that_closed_its_sending_side_counts_as_gone(served: Served, handler: ScriptedHandler) -> None:
    async with connect(served.uri) as client:
        await client.send(Event("wait"))
        await until(lambda: handler.counts["wait begun"])
        await client.half_close()
        await until(lambda: handler.counts["wait cancelled"])
        assert await client.ended()
    await until(lambda: not served.server.connections)


async def test_a_vanished_client_leaves_no_trace_in_the_log(
    served: Served, handler: ScriptedHandler, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for request_type in ("wait", "collect", "flood"):
        async with connect(served.uri) as client:
            await client.send(Event(request_type))
            await until(lambda kind=request_type: handler.counts[f"{kind} begun"])
            client.abort()
    await until(lambda: not served.server.connections)
    assert not caplog.records


async def test_an_answer_never_waits_for_the_acknowledgement_of_the_one_before(handler: ScriptedHandler) -> None:
    """Nagle's algorithm and a client's delayed acknowledgement make 40 ms of silence together."""
    server = WyomingServer(handler, LimitsSettings(drain_s=0))
    port = await server.listen_tcp("127.0.0.1", 0)
    async with connect(f"tcp://127.0.0.1:{port}") as client:
        await client.send(Ping())
        await client.receive()
        (connection,) = server.connections
        accepted = connection._writer.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    await server.stop()


async def test_tcp_works_the_same(handler: ScriptedHandler) -> None:
    for host in ("127.0.0.1", "::1"):
        server = WyomingServer(handler, LimitsSettings(drain_s=0))
        port = await server.listen_tcp(host, 0)
        uri = f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"
        async with connect(uri) as client:
            await client.send(Event("echo", {"n": 1}), Event("voice"))
            assert await client.receive() == Event("echoed", {"n": 1})
            assert await client.error_code() == "voice-unknown"
        await server.stop()
        with pytest.raises(OSError, match=r"."):
            await asyncio.open_connection(host, port)
