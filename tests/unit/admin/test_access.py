"""Nobody comes in without the owner's token."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any, cast

import fastapi.routing
import httpx
import pytest

from avatar_appliance.admin.app import OPEN_PATHS, create_app
from avatar_appliance.admin.dependencies import AdminDependencies
from avatar_appliance.admin.views import PAGES

ANY_ID = "0" * 32
KNOWN_ROUTES = {
    ("GET", "/health"),
    ("GET", "/api/openapi.json"),
    ("GET", "/api/system/info"),
    ("GET", "/api/conversations"),
    ("GET", "/api/conversations/{conversation_id:path}"),
    ("DELETE", "/api/conversations/{conversation_id:path}"),
    ("GET", "/api/turns"),
    ("DELETE", "/api/turns"),
    ("GET", "/api/turns/{turn_id}"),
    ("DELETE", "/api/turns/{turn_id}"),
    ("GET", "/api/turns/{turn_id}/audio/{direction}"),
    ("GET", "/api/vram"),
    ("GET", "/api/events"),
    ("POST", "/api/workers/{name}/start"),
    ("POST", "/api/guest-mode"),
    ("GET", "/voices"),
    ("GET", "/static/app.js"),
}
ENDLESS = ("GET", "/api/events")  # test_events.py


def _routes() -> list[tuple[str, str]]:
    """Every method and path of the application, whoever added it."""
    nothing = cast("Any", SimpleNamespace(database=None))
    app = create_app(AdminDependencies(store=nothing, token=nothing, system=nothing))
    # Newer versions of FastAPI keep included routers whole and offer a function that looks into them.
    look_into: Callable[[Any], Iterable[Any]] = getattr(fastapi.routing, "iter_route_contexts", iter)
    return sorted((method, route.path) for route in look_into(app.routes) for method in route.methods or {"GET"})


ROUTES = _routes()
CLOSED = [route for route in ROUTES if route[1] not in OPEN_PATHS]


def _path(route: str) -> str:
    return re.sub(r"\{[^}]*\}", ANY_ID, route.replace("{direction}", "in"))


def test_the_walk_over_the_routes_misses_none() -> None:
    assert set(ROUTES) >= KNOWN_ROUTES


def test_only_health_and_the_files_of_the_panel_are_open() -> None:
    opened = {path for _, path in ROUTES} - {path for _, path in CLOSED}
    assert {path for path in opened if not path.startswith("/static/")} == {"/health", *PAGES}


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_every_route_needs_the_right_token(
    stranger: httpx.AsyncClient, token: str, method: str, path: str
) -> None:
    without = await stranger.request(method, _path(path))
    wrong = await stranger.request(method, _path(path), headers={"Authorization": f"Bearer {token}x"})
    assert (without.status_code, wrong.status_code) == (401, 401)
    assert without.headers["www-authenticate"] == 'Bearer realm="avatar"'
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]
    if method != "HEAD":
        assert without.json()["code"] == wrong.json()["code"] == "unauthorized"


@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if route != ENDLESS])
async def test_every_route_lets_the_owner_in(client: httpx.AsyncClient, method: str, path: str) -> None:
    """What the owner gets may be "not found" or "needs a filter", but never a refusal or a defect."""
    answer = await client.request(method, _path(path))
    assert answer.status_code in (200, 204, 400, 404)


async def test_a_stranger_cannot_tell_which_paths_exist(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/api/nothing")).status_code == 401
    assert (await stranger.get("/health/")).status_code == 401


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
async def test_the_scheme_has_no_case(stranger: httpx.AsyncClient, token: str, scheme: str) -> None:
    answer = await stranger.get("/api/turns", headers={"Authorization": f"{scheme} {token}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer  ", "Basic {token}", "{token}", "Bearer{token}"])
async def test_a_token_in_any_other_form_is_no_token(stranger: httpx.AsyncClient, token: str, value: str) -> None:
    answer = await stranger.get("/api/turns", headers={"Authorization": value.format(token=token)})
    assert answer.status_code == 401


async def test_two_authorization_headers_are_refused(stranger: httpx.AsyncClient, token: str) -> None:
    twice = [("Authorization", f"Bearer {token}"), ("Authorization", "Bearer other")]
    assert (await stranger.get("/api/turns", headers=twice)).status_code == 401


async def test_the_token_is_not_taken_from_the_query(stranger: httpx.AsyncClient, token: str) -> None:
    assert (await stranger.get("/api/turns", params={"token": token})).status_code == 401


async def test_bytes_beyond_ascii_are_only_a_wrong_token(stranger: httpx.AsyncClient, token: str) -> None:
    header = [(b"Authorization", "Bearer 開燈".encode())]
    assert (await stranger.get("/api/turns", headers=header)).status_code == 401


async def test_too_many_wrong_tokens_must_wait_even_with_the_right_one(
    stranger: httpx.AsyncClient, client: httpx.AsyncClient, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The tenth wrong one closes the door to that address, and to that address only."""
    wrong = {"Authorization": "Bearer avatar_guess"}
    with caplog.at_level(logging.WARNING):
        answers = [(await stranger.get("/api/turns", headers=wrong)).status_code for _ in range(11)]
    assert answers == [401] * 10 + [429]
    refused = await stranger.get("/api/turns", headers={"Authorization": f"Bearer {token}"})
    assert refused.status_code == 429
    assert refused.json()["code"] == "too-many-attempts"
    assert 1 <= int(refused.headers["retry-after"]) <= 6
    assert (await client.get("/api/turns")).status_code == 200
    assert "192.0.2.9" in caplog.text
    assert "guess" not in caplog.text


async def test_requests_without_a_token_are_no_guesses(stranger: httpx.AsyncClient, token: str) -> None:
    for _ in range(20):
        await stranger.get("/api/turns")
    answer = await stranger.get("/api/turns", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


async def test_a_renewed_token_replaces_the_old_one_at_once(client: httpx.AsyncClient, owner: Any) -> None:
    assert (await client.get("/api/turns")).status_code == 200
    fresh = owner.renew()
    assert (await client.get("/api/turns")).status_code == 401
    answer = await client.get("/api/turns", headers={"Authorization": f"Bearer {fresh}"})
    assert answer.status_code == 200


async def test_the_openapi_document_asks_for_the_token_and_shows_problems(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/openapi.json")).json()
    listing = document["paths"]["/api/turns"]["get"]
    assert listing["security"] == [{"owner": []}]
    assert "security" not in document["paths"]["/health"]["get"]
    assert "422" not in listing["responses"]
    assert "application/problem+json" in listing["responses"]["default"]["content"]
    assert {"q", "since", "cursor"} <= {parameter["name"] for parameter in listing["parameters"]}
    references = set(re.findall(r'"#/components/schemas/(\w+)"', str(document).replace("'", '"')))
    assert references <= document["components"]["schemas"].keys()


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
async def test_no_page_that_loads_from_the_internet(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_nothing_is_reported_to_telemetry(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """FastAPI would hand queries and exceptions to any OpenTelemetry provider that the process has."""
    trace = pytest.importorskip("opentelemetry.trace")
    asked: list[str] = []

    class Provider(trace.TracerProvider):  # type: ignore[misc, name-defined]
        def get_tracer(self, name: str, *_: Any, **__: Any) -> Any:
            asked.append(name)
            return trace.NoOpTracer()

    monkeypatch.setattr(trace, "get_tracer_provider", Provider)
    assert (await client.get("/api/turns", params={"q": "light"})).status_code == 200
    assert asked == []
