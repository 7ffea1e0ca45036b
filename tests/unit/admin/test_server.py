"""The real server on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from avatar_appliance.admin.server import AdminServer, _listen, serve
from avatar_appliance.errors import ConfigError

from .conftest import MakeTurn

SAID = "4711-what-i-said"


@pytest.fixture
async def server(app: FastAPI) -> AsyncIterator[AdminServer]:
    async with serve(app, "127.0.0.1", 0) as running:
        yield running


async def test_it_serves_on_the_port_it_got_until_it_is_stopped(
    app: FastAPI, token: str, save_turn: MakeTurn, wav: bytes
) -> None:
    turn = await save_turn(heard=wav * 1000)
    async with serve(app, "127.0.0.1", 0) as server, httpx.AsyncClient() as client:
        assert server.started.is_set()
        base = f"http://127.0.0.1:{server.port}"
        assert (await client.get(f"{base}/health")).json()["status"] == "ok"
        assert (await client.get(f"{base}/api/turns")).status_code == 401
        client.headers["Authorization"] = f"Bearer {token}"
        audio = await client.get(f"{base}/api/turns/{turn.id}/audio/in", headers={"Range": "bytes=100-"})
        assert (audio.status_code, audio.content) == (206, (wav * 1000)[100:])
        assert (await client.head(f"{base}/api/turns/{turn.id}/audio/in")).status_code == 200
        assert "server" not in audio.headers
    assert not server.started.is_set()
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{base}/health")


async def test_a_body_does_not_wait_for_the_acknowledgement_of_its_headers() -> None:
    with _listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_rebound_name_is_refused_on_the_wire(server: AdminServer) -> None:
    async with httpx.AsyncClient() as client:
        url = f"http://127.0.0.1:{server.port}/health"
        assert (await client.get(url, headers={"Host": "evil.example"})).status_code == 421


async def test_dual_stack_knows_its_ipv4_address(app: FastAPI) -> None:
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
        except OSError:
            pytest.skip("this machine has no IPv6")
        async with serve(app, "::", 0) as server, httpx.AsyncClient() as client:
            for host in ("127.0.0.1", "[::1]"):
                assert (await client.get(f"http://{host}:{server.port}/health")).status_code == 200


async def test_a_taken_port_is_a_clear_error(app: FastAPI) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1 port {port}") as raised:
            async with serve(app, "127.0.0.1", port):
                pass
    assert f"sport = :{port}" in raised.value.hint


async def test_an_address_of_another_machine_is_a_clear_error(app: FastAPI) -> None:
    with pytest.raises(ConfigError) as raised:
        await AdminServer(app, "192.0.2.1", 0).start()
    assert "admin.host" in raised.value.hint


async def test_signals_stay_with_the_control_plane(app: FastAPI) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with serve(app, "127.0.0.1", 0):
        during = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert during == before


async def test_what_people_search_for_is_in_no_log(
    server: AdminServer, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        # The client's own logging is not ours to judge.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        logging.getLogger("httpcore").setLevel(logging.WARNING)
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as client:
            url = f"http://127.0.0.1:{server.port}/api/turns"
            assert (await client.get(url, params={"q": SAID})).status_code == 200
            assert (await client.get(url, params={"q": SAID, "limit": 0})).status_code == 400
            assert (await client.get(f"{url}/{SAID}")).status_code == 404
    ours = [record for record in caplog.records if not record.name.startswith("aiosqlite")]
    assert all(SAID not in record.getMessage() for record in ours)


class SlowApp:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.entered.set()
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


async def _refuses_connections(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                return
            writer.close()
            await asyncio.sleep(0.01)


async def test_a_running_request_may_end_before_the_server_does() -> None:
    """Stopping waits for it, and takes no new connection meanwhile."""
    slow = SlowApp()
    server = AdminServer(slow, "127.0.0.1", 0)
    await server.start()
    async with httpx.AsyncClient() as client:
        answer = asyncio.create_task(client.get(f"http://127.0.0.1:{server.port}/"))
        await slow.entered.wait()
        stopping = asyncio.create_task(server.stop())
        closed = asyncio.create_task(server.wait_closed())
        await _refuses_connections(server.port)
        assert not stopping.done()
        slow.go_on.set()
        assert (await answer).text == "ok"
        await asyncio.gather(stopping, closed)


async def test_a_request_that_does_not_end_is_cut_off_when_the_time_is_over() -> None:
    slow = SlowApp()
    async with httpx.AsyncClient() as client:
        async with serve(slow, "127.0.0.1", 0, drain_s=0) as server:
            answer = asyncio.create_task(client.get(f"http://127.0.0.1:{server.port}/"))
            await slow.entered.wait()
        # The server is gone although nobody let the request go on.
        with pytest.raises(httpx.HTTPError):
            (await answer).raise_for_status()


async def test_a_broken_answer_is_cut_off_without_its_reason(
    app: FastAPI, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The response has begun, so it cannot become a problem; the client must notice, the log must not."""

    @app.get("/api/broken")
    async def broken() -> object:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise RuntimeError(SAID)

        from starlette.responses import Response

        class Broken(Response):
            __call__ = staticmethod(answer)

        return Broken()

    with caplog.at_level(logging.INFO):
        async with serve(app, "127.0.0.1", 0) as server, httpx.AsyncClient() as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(
                    f"http://127.0.0.1:{server.port}/api/broken", headers={"Authorization": f"Bearer {token}"}
                )
    assert "defect in the HTTP API" in caplog.text
    assert SAID not in caplog.text
