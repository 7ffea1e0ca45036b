"""Nobody sees anything without the owner's token; whoever has it comes in and stays."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from .conftest import OpenPage


@pytest.mark.parametrize(("language", "words"), [("en", "Sign in"), ("zh-TW", "登入")])
async def test_a_stranger_is_asked_for_the_token_in_the_browsers_language(
    open_page: OpenPage, language: str, words: str
) -> None:
    async with open_page("/voices", language=language, signed_in=False) as page:
        await expect(page.get_by_role("heading", name=words)).to_be_visible()
        await expect(page.locator("html")).to_have_attribute("lang", language)


async def test_a_wrong_token_is_told_and_the_right_one_opens_the_page(open_page: OpenPage, token: str) -> None:
    async with open_page("/voices", signed_in=False) as page:
        await page.get_by_label("The owner's token").fill("avatar_wrong")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_have_text("This is not the owner's token.")
        await page.get_by_label("The owner's token").fill(token)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("heading", name="Voices", exact=True)).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("heading", name="Voices", exact=True)).to_be_visible()


async def test_signing_out_asks_for_the_token_again(open_page: OpenPage) -> None:
    async with open_page("/voices") as page:
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_the_language_is_chosen_and_kept(open_page: OpenPage) -> None:
    async with open_page("/voices") as page:
        await page.get_by_label("Language").select_option("zh-TW")
        await expect(page.get_by_role("heading", name="聲音", exact=True)).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("heading", name="聲音", exact=True)).to_be_visible()
