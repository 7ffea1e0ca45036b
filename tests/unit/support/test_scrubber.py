"""The last net: what it catches, and what it leaves alone."""

from __future__ import annotations

import pytest

from avatar_appliance.support.scrubber import SAID, SECRET, Scrubber

NET = Scrubber(
    secrets=["s3cret-value", "abc"],
    names=["Eulalia", "living-room", "anna", "奶奶"],
    said=["Does grandmother come on Sunday evening?", "good night", "stop", "明天會下雨嗎"],
    home="/home/rosalind",
)


@pytest.mark.parametrize(
    "line",
    [
        "heard: does grandmother come on sunday evening",
        "prompt was '...Grandmother come, on SUNDAY...'",
        "he said Good Night!",
        "grandmother come on",
        "聽到了：明天會下雨",
    ],
)
def test_a_line_that_quotes_what_was_said_goes_as_a_whole(line: str) -> None:
    assert NET.line(line) == SAID


@pytest.mark.parametrize(
    "line", ["we stop the worker", "grandmother come", "Sunday evening", "明天見", "the night was good"]
)
def test_a_line_that_shares_a_word_stays(line: str) -> None:
    assert NET.line(line) == line


@pytest.mark.parametrize(
    ("line", "cleaned"),
    [
        ("key is s3cret-value.", f"key is {SECRET}."),
        ("http://joe:pw@host:80/x", "http://(hidden)@host:80/x"),
        ("Authorization: Bearer abcdefgh", f"Authorization: Bearer {SECRET}"),
        ("api_key=xyz, more", f"api_key={SECRET}, more"),
        ('"password": "xyz"', f'"password": {SECRET}"'),
        ("hf_abcdefghijklmnop", SECRET),
        ("avatar_0123456789abcdefXYZ", SECRET),
        ("AGE-SECRET-KEY-1QQQ", SECRET),
        ("in /home/rosalind/models", "in ~/models"),
        ("8.8.8.8 and 192.168.1.7", "(public address) and 192.168.1.7"),
        ("2a00:1450:4001:82a::200e, fe80::1, ::1", "(public address), fe80::1, ::1"),
        ("at 10:24:33, version 1.2.3", "at 10:24:33, version 1.2.3"),
    ],
)
def test_secrets_homes_and_addresses(line: str, cleaned: str) -> None:
    assert NET.line(line) == cleaned


def test_a_name_has_the_same_number_each_time_whatever_its_case() -> None:
    first, second = NET.line("Eulalia is in the living-room"), NET.line("EULALIA left")
    assert "Eulalia" not in first
    assert first.split()[:2] == second.split()[:2]
    assert NET.line("annabel") == "annabel", "a name inside of a word is none"


def test_a_tree_is_cleaned_with_its_keys() -> None:
    assert NET.tree({"Eulalia": ["s3cret-value", 1, None, {"x": "good night"}]}) == {
        NET.text("Eulalia"): [SECRET, 1, None, {"x": SAID}]
    }


def test_without_anything_to_hide_texts_stay_as_they_are() -> None:
    text = "two\nlines of something that nobody said"
    assert Scrubber().text(text) == text
