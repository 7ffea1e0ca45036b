"""The estimate of tokens is rather too high, and a conversation is cut between turns."""

from __future__ import annotations

from wyoming_servers.backends.chat_message import Message, ToolCall
from wyoming_servers.conversation.context_window import cut_to, newest_turns, results_cut_to, tokens_of, tokens_of_text


def turn(number: int, words: int = 50) -> list[Message]:
    return [Message("user", f"q{number}"), Message("assistant", f"a{number} " + "word " * words)]


def test_known_texts_are_not_underestimated() -> None:
    """The first is ten tokens to most tokenizers; a Chinese character is mostly one, seldom two thirds of one."""
    assert tokens_of_text("The quick brown fox jumps over the lazy dog.") >= 10
    assert tokens_of_text("打開廚房的燈") >= 4
    assert tokens_of_text("Turn on 打開 the 廚房 lamp please.") >= 10


def test_the_newest_turns_are_kept_whole() -> None:
    earlier = [message for number in range(5) for message in turn(number)]
    budget = 2 * tokens_of(turn(0)) + 1
    assert newest_turns(earlier, budget) == earlier[-4:]


def test_a_turn_with_tools_is_kept_or_dropped_as_a_whole() -> None:
    acting = [
        Message("user", "q"),
        Message("assistant", "", (ToolCall("1", "x", "{}"),)),
        Message("tool", "result " * 100, tool_call_id="1"),
        Message("assistant", "done"),
    ]
    assert newest_turns(acting, tokens_of(acting)) == acting
    assert newest_turns([*acting, *turn(1)], tokens_of(acting)) == turn(1)


def test_what_begins_in_the_middle_of_a_turn_is_left_out() -> None:
    assert newest_turns([Message("assistant", "hello"), *turn(1)], 10_000) == turn(1)


def test_without_room_nothing_is_kept() -> None:
    assert newest_turns(turn(1), 0) == []
    assert newest_turns(turn(1), -5) == []


def test_a_long_text_loses_its_middle() -> None:
    assert cut_to("short", 10) == "short"
    cut = cut_to("begin " + "word " * 1000 + "end", 100)
    assert (cut[:5], cut[-3:]) == ("begin", "end")
    assert tokens_of_text(cut) <= 105


def test_what_short_results_leave_is_for_the_long_ones() -> None:
    texts = ["ok", "word " * 1000, "fine", "word " * 500, "word " * 90]
    messages = [Message("user", "q " * 900), *(Message("tool", text, tool_call_id="1") for text in texts)]
    cut = results_cut_to(messages, 400)
    assert cut[0] is messages[0]
    assert [message.content == text for message, text in zip(cut[1:], texts, strict=True)] == [True, False] * 2 + [True]
    sizes = [tokens_of_text(message.content) for message in cut[1:]]
    assert sum(sizes) < 410
    assert abs(sizes[1] - sizes[3]) < 3
    assert results_cut_to(messages, 10_000) == messages
    assert results_cut_to([], 10) == []
