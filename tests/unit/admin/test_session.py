"""A browser keeps the token in a cookie that no other page can use."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from avatar_appliance.admin.session_cookie import NAME

OURS = "http://localhost:8756"
A_CHANGE = ("DELETE", "/api/turns/" + "0" * 32)


@pytest.fixture
async def browser(stranger: httpx.AsyncClient, token: str) -> httpx.AsyncClient:
    """A browser that has signed in."""
    answer = await stranger.post("/api/session", headers={"Authorization": f"Bearer {token}", "Origin": OURS})
    assert answer.status_code == 204
    return stranger


async def test_who_signed_in_needs_no_header(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/api/session")).status_code == 204
    assert (await browser.get("/api/turns")).status_code == 200


async def test_no_script_reads_the_cookie_and_no_other_site_sends_it(stranger: httpx.AsyncClient, token: str) -> None:
    answer = await stranger.post("/api/session", headers={"Authorization": f"Bearer {token}"})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    assert "secure" not in cookie


async def test_a_token_that_came_encrypted_is_never_sent_otherwise(app: FastAPI, token: str) -> None:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost:8756") as client:
        answer = await client.post("/api/session", headers={"Authorization": f"Bearer {token}"})
    assert "secure" in answer.headers["set-cookie"].lower()


async def test_behind_a_tls_front_the_page_says_that_it_came_encrypted(stranger: httpx.AsyncClient, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Origin": "https://localhost:8757", "Host": "localhost:8757"}
    answer = await stranger.post("/api/session", headers=headers)
    assert "secure" in answer.headers["set-cookie"].lower()
    cookie = {"Cookie": answer.headers["set-cookie"].split(";")[0], **headers}
    del cookie["Authorization"]
    assert (await stranger.request(*A_CHANGE, headers=cookie)).status_code == 404  # nothing to delete


async def test_a_wrong_token_gives_no_cookie(stranger: httpx.AsyncClient, token: str) -> None:
    answer = await stranger.post("/api/session", headers={"Authorization": f"Bearer {token}x"})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_a_cookie_is_not_made_of_a_cookie(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/api/session", headers={"Origin": OURS})
    assert answer.json()["code"] == "bad-request"


async def test_a_page_of_ours_may_change_something(browser: httpx.AsyncClient) -> None:
    assert (await browser.request(*A_CHANGE, headers={"Origin": OURS})).status_code == 404  # nothing to delete


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "null"}, {"Origin": "http://localhost:8123"}, {"Origin": "http://evil.example"}, {"Origin": ""}],
)
async def test_another_page_of_this_machine_may_not(browser: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """`localhost:8123` is the same site, so browsers send the cookie along."""
    answer = await browser.request(*A_CHANGE, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "not-from-the-panel")


async def test_programs_with_a_bearer_token_need_no_origin(client: httpx.AsyncClient) -> None:
    assert (await client.request(*A_CHANGE)).status_code == 404


async def test_signing_out_ends_it(browser: httpx.AsyncClient) -> None:
    assert (await browser.delete("/api/session", headers={"Origin": OURS})).status_code == 204
    assert (await browser.get("/api/turns")).status_code == 401


async def test_another_token_ends_every_session(browser: httpx.AsyncClient, owner: Any) -> None:
    owner.renew()
    assert (await browser.get("/api/turns")).status_code == 401


async def test_guessing_by_cookie_has_to_wait_too(stranger: httpx.AsyncClient, token: str) -> None:
    wrong = {"Cookie": f"{NAME}=avatar_guess"}
    answers = [(await stranger.get("/api/turns", headers=wrong)).status_code for _ in range(11)]
    assert answers == [401] * 10 + [429]
