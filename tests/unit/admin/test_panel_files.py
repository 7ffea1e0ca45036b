"""The panel's files: served to everybody, with a policy, and saying the same in both languages."""

from __future__ import annotations

import re

import httpx
import pytest

from avatar_appliance.admin.views.panel import PAGES, STATIC

OURS = [file for file in STATIC.rglob("*.js") if file.parent.name not in ("vendor", "text")]
_KEY = re.compile(r'^  "([^"]+)": "(.*)",$', re.MULTILINE)
_USED = re.compile(r'\bt\(\s*"([^"]+)"')
_MADE = re.compile(r"\bt\(\s*`([^$`]*)\$\{")


def _texts(language: str) -> dict[str, str]:
    return dict(_KEY.findall((STATIC / "text" / f"{language}.js").read_text("utf-8")))


EN, ZH = _texts("en"), _texts("zh-TW")


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_is_given_to_anybody_and_loads_nothing_from_elsewhere(
    stranger: httpx.AsyncClient, page: str
) -> None:
    answer = await stranger.get(page)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["cache-control"] == "no-cache"
    for path in re.findall(r'(?:src|href)="([^"]+)"', answer.text):
        assert (await stranger.get(path)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/static/index.html", "/static/../panel.py", "/static/%2e%2e/panel.py", "/static/vendor/htm.LICENSE"]
)
async def test_nothing_else_is_served(stranger: httpx.AsyncClient, path: str) -> None:
    assert (await stranger.get(path)).status_code == 401


async def test_a_file_that_did_not_change_is_not_sent_again(stranger: httpx.AsyncClient) -> None:
    first = await stranger.get("/static/app.js")
    again = await stranger.get("/static/app.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert len(first.content) > 1000


def test_both_languages_say_the_same_things_and_name_the_same_values() -> None:
    assert sorted(EN) == list(EN)
    assert list(EN) == list(ZH)
    for key, text in EN.items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", ZH[key])), key


def test_every_text_has_a_use_and_every_use_a_text() -> None:
    source = "\n".join(file.read_text("utf-8") for file in OURS)
    used = set(_USED.findall(source))
    assert used <= EN.keys()
    beginnings = tuple(made for made in _MADE.findall(source) if made)
    words = set(re.findall(r'"([a-z][\w-]*)"', source))  # a key may be chosen first and said later
    assert {key for key in EN if key not in used | words and not key.startswith(beginnings)} == set()
