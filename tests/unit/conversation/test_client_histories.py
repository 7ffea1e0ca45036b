"""What is kept of histories that clients keep themselves: bounded, and found again by what it tells."""

from __future__ import annotations

from wyoming_servers.backends.chat_message import Message, ToolCall
from wyoming_servers.conversation.client_histories import MOST_SUMMARIES, ClientHistories, turns_of
from wyoming_servers.conversation.question import Question
from wyoming_servers.house.asker import Asker

GREETING = Message("assistant", "How can I help?")
ACTING = [
    Message("user", "rain?"),
    Message("assistant", "", (ToolCall("1", "GetWeather", "{}"),)),
    Message("tool", "yes", tool_call_id="1"),
    Message("assistant", "Yes."),
]


class Clock:
    """Stands still unless a test moves it."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def histories(clock: Clock | None = None) -> ClientHistories:
    return ClientHistories(ttl_s=100, conversations=2, clock=clock or Clock())


def turn(number: int) -> list[Message]:
    return [Message("user", f"q{number}"), Message("assistant", f"a{number}")]


def asked(*messages: Message, conversation: str = "c", client: str = "x") -> Question:
    return Question("now?", conversation, Asker("en"), earlier=messages, client=client)


def tell(kept: ClientHistories, question: Question, until: int, summary: str) -> bool:
    waiting = kept.untold(question, until)
    return kept.keep(question, waiting, len(waiting.turns), summary)


def told(kept: ClientHistories, question: Question) -> tuple[int, str] | None:
    found = kept.told(question, question.earlier or ())
    return None if found is None else (found.messages, found.summary)


def test_a_summary_is_found_for_longer_histories_that_begin_the_same() -> None:
    kept, question = histories(), asked(GREETING, *ACTING, *turn(1))
    assert tell(kept, question, 5, "rain")
    assert told(kept, question) == (5, "rain")
    assert told(kept, asked(*(question.earlier or ()), *turn(2), *turn(3))) == (5, "rain")
    other_result = [*ACTING[:2], Message("tool", "no", tool_call_id="1"), ACTING[3]]
    assert told(kept, asked(GREETING, *other_result, *turn(1))) is None
    assert told(kept, asked(*ACTING, *turn(1))) is None
    assert told(kept, asked(GREETING, *ACTING[:2])) is None


def test_only_whole_turns_are_condensed() -> None:
    kept, question = histories(), asked(GREETING, *ACTING, *turn(1))
    assert kept.untold(question, 4).turns == ()
    assert [len(waiting) for waiting in kept.untold(question, 6).turns] == [4]
    assert [len(waiting) for waiting in turns_of(question.earlier or ())] == [4, 2]


def test_the_latest_summary_counts_and_an_older_one_when_turns_are_taken_back() -> None:
    kept, messages = histories(), [message for number in range(9) for message in turn(number)]
    for number in range(1, 7):
        tell(kept, asked(*messages), 2 * number, f"s{number}")
    assert told(kept, asked(*messages)) == (12, "s6")
    assert told(kept, asked(*messages[:9])) == (8, "s4")
    assert told(kept, asked(*messages[: 2 * (6 - MOST_SUMMARIES)])) is None


def test_clients_and_conversations_know_nothing_of_each_other() -> None:
    kept = histories()
    tell(kept, asked(*turn(1)), 2, "secret")
    assert told(kept, asked(*turn(1), conversation="d")) is None
    assert told(kept, asked(*turn(1), client="y")) is None
    assert told(kept, asked(*turn(1))) == (2, "secret")


def test_the_longest_silent_conversation_goes_first_and_all_of_them_in_time() -> None:
    clock = Clock()
    kept = histories(clock)
    for conversation in ("a", "b", "a", "c"):
        tell(kept, asked(*turn(1), conversation=conversation), 2, "s")
    assert [told(kept, asked(*turn(1), conversation=c)) is not None for c in "abc"] == [True, False, True]
    clock.now_s = 101
    assert told(kept, asked(*turn(1), conversation="c")) is None


def test_what_was_forgotten_meanwhile_is_not_told() -> None:
    kept, question = histories(), asked(Message("user", "I like TEA."), Message("assistant", "Good."), *turn(1))
    waiting = kept.untold(question, 2)
    kept.drop_mentions(question, "i like tea")
    assert not kept.keep(question, waiting, 1, "likes tea")
    assert kept.visible(question) == tuple(turn(1))
    assert [waiting[0].content for waiting in kept.untold(question, 2).turns] == ["q1"]
