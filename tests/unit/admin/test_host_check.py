"""DNS rebinding: a name we do not know is not us."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from avatar_appliance.admin.app import create_app
from avatar_appliance.admin.dependencies import AdminDependencies
from avatar_appliance.admin.host_check import HostCheck
from avatar_appliance.admin.token import OwnerToken
from avatar_appliance.errors import ConfigError
from avatar_appliance.store import Store

from .conftest import FakeSystem


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8756",
        "localhost.",
        "127.0.0.1:8756",
        "127.8.9.10",
        "[::1]:8756",
        "[::ffff:127.0.0.1]",
        "avatar.example",
        "Avatar.Example:443",
    ],
)
async def test_our_own_names_are_let_through(stranger: httpx.AsyncClient, host: str) -> None:
    assert (await stranger.get("/health", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "evil-localhost",
        "avatar.example.evil.example",
        "127.0.0.1.evil.example",
        "192.0.2.7",
        "0.0.0.0",
        "[2001:db8::1]",
        "localhost:8756:1",
        "localhost/",
        "user@localhost",
        "localhost, evil.example",
    ],
)
async def test_other_names_are_refused_before_anything_else(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.get("/api/turns", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.json()["code"] == "host-not-allowed"
    assert "evil" not in answer.text


async def test_two_host_headers_are_refused(app: FastAPI) -> None:
    sent = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"host", b"evil.example")]
    scope = {"type": "http", "method": "GET", "path": "/health", "query_string": b"", "headers": headers}
    await app(scope, None, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 421


@pytest.mark.parametrize("address", ["192.168.1.5", "[2001:db8::5]"])
async def test_the_address_a_request_came_in_at_is_ours(app: FastAPI, address: str) -> None:
    """httpx gives the host of the URL as the address of the server's socket."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{address}:8756") as client:
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/health", headers={"Host": "192.168.1.6"})).status_code == 421


async def test_a_rebound_name_is_refused_although_it_leads_to_our_address(app: FastAPI) -> None:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://evil.example:8756") as client:
        assert (await client.get("/health")).status_code == 421


async def test_an_allowed_host_may_be_an_address(store: Store, owner: OwnerToken, system: FakeSystem) -> None:
    deps = AdminDependencies(store=store, token=owner, system=system)
    app = create_app(deps, allowed_hosts=["[2001:DB8::0:5]", "192.0.2.7"])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for host in ("[2001:db8::5]:80", "192.0.2.7"):
            assert (await client.get("/health", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", ["*", "*.example.org", "https://avatar.example", "avatar.example:443", ""])
def test_an_allowed_host_that_is_no_name_is_a_mistake_in_the_configuration(host: str) -> None:
    async def nothing(*_: object) -> None: ...

    with pytest.raises(ConfigError):
        HostCheck(nothing, allowed_hosts=[host])


async def test_a_websocket_from_elsewhere_is_closed(app: FastAPI) -> None:
    sent = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/api/turns", "headers": [(b"host", b"evil.example")]}
    await app(scope, None, send)  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "host-not-allowed"}]
