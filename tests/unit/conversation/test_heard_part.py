"""How much of an answer was heard."""

from __future__ import annotations

import pytest

from wyoming_servers.conversation.heard_part import heard_part


@pytest.mark.parametrize(
    ("text", "seconds", "heard"),
    [
        ("Tea is ready in the kitchen.", 0, ""),
        ("Tea is ready in the kitchen.", 0.4, "Tea"),
        ("Tea is ready in the kitchen.", 0.6, "Tea is"),
        ("Tea is ready in the kitchen.", 60, "Tea is ready in the kitchen."),
        ("廚房裡的茶已經泡好了。", 1.0, "廚房裡的"),
        ("打開 kitchen lamp 了", 0.8, "打開"),
        ("", 5, ""),
    ],
)
def test_as_much_as_can_be_spoken_in_that_time_in_whole_words(text: str, seconds: float, heard: str) -> None:
    assert heard_part(text, seconds) == heard
