"""`avatar pronounce` on the running appliance."""

from __future__ import annotations

import json

import pytest

from .conftest import Avatar


@pytest.mark.usefixtures("appliance")
async def test_words_are_set_listed_and_removed(avatar: Avatar) -> None:
    assert "Nothing is set" in (await avatar("pronounce", "list")).err
    ran = await avatar("pronounce", "set", "Siobhan", "shi vawn", "-l", "en")
    assert (ran.code, ran.out) == (0, "Siobhan is said shi vawn\n"), ran.err
    await avatar("pronounce", "set", "行天宮", "形天宮")
    shown = (await avatar("pronounce", "list")).out
    for said in ("Siobhan", "shi vawn", "行天宮", "形天宮", "any language"):
        assert said in shown
    listed = json.loads((await avatar("pronounce", "list", "--json")).out)
    assert listed[0] == {"word": "Siobhan", "say": "shi vawn", "language": "en"}
    assert (await avatar("pronounce", "remove", "siobhan", "-l", "en")).code == 0
    assert len(json.loads((await avatar("pronounce", "list", "--json")).out)) == 1


@pytest.mark.usefixtures("appliance")
async def test_what_is_not_there_or_no_word_is_an_error(avatar: Avatar) -> None:
    ran = await avatar("pronounce", "remove", "nobody")
    assert ran.code != 0
    assert "no such pronunciation" in ran.err
    assert (await avatar("pronounce", "set", "...", "dots")).code != 0
