"""The score of the fast path on the test house does not fall, and no command ever does something else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from house_harness.fast_answers import Examined, fast_answers
from house_harness.questions import LANGUAGES, wishes

# Passed without a model, of 76 in each language (`python3 -m benchmarks.brain_score`). What talks about nothing in the
# house, names nobody has and wishes that take thought are the model's: the fast path leaves them.
RECORDED = {"en": 52, "zh-TW": 53}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def examined() -> AsyncIterator[list[Examined]]:
    """What came of each question, asked once for all tests of this file."""
    async with fast_answers() as house:
        yield [await house.examine(wish) for wish in wishes()]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.asyncio(loop_scope="module")
async def test_the_score_does_not_fall(examined: list[Examined], language: str) -> None:
    passed = [one.wish.text for one in examined if one.wish.language == language and one.verdict.passed]
    assert len(passed) >= RECORDED[language], passed


@pytest.mark.asyncio(loop_scope="module")
async def test_nothing_is_switched_that_should_not_be(examined: list[Examined]) -> None:
    assert {one.wish.text: one.verdict.wrong_action for one in examined if one.verdict.wrong_action} == {}


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_taken_is_done_right(examined: list[Examined]) -> None:
    """What it is not sure of it asks about or leaves to the model."""
    assert [(one.wish.text, one.answer) for one in examined if not one.verdict.left and not one.verdict.passed] == []


@pytest.mark.asyncio(loop_scope="module")
async def test_talk_is_left_to_the_model(examined: list[Examined]) -> None:
    taken = [one.wish.text for one in examined if one.wish.kind in ("chatter", "thought") and not one.verdict.left]
    assert taken == []


@pytest.mark.asyncio(loop_scope="module")
async def test_where_no_model_acts_what_nobody_has_is_said_to_be_unknown() -> None:
    """A model that only talks would say that the attic lamp is on."""
    async with fast_answers(model_acts=False) as house:
        found = [await house.examine(wish) for wish in wishes() if wish.kind in ("unknown", "chatter")]
    assert [one.wish.text for one in found if one.wish.kind == "unknown" and not one.verdict.passed] == []
    assert [one.wish.text for one in found if one.wish.kind == "chatter" and not one.verdict.left] == []


def test_there_are_as_many_questions_in_either_language() -> None:
    texts = {language: [wish.text for wish in wishes() if wish.language == language] for language in LANGUAGES}
    assert len(texts["en"]) == len(texts["zh-TW"]) >= 60
    assert all(len(set(found)) >= len(found) - 3 for found in texts.values())  # a few are asked from two rooms
