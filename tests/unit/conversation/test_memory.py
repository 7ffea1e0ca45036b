"""What is remembered of conversations."""

from __future__ import annotations

import pytest

from wyoming_servers.conversation.memory import ConversationMemory, RememberedTurn


class Clock:
    """Stands still unless a test moves it."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """The memory's clock."""
    return Clock()


def memory(clock: Clock, turns: int = 3, extra_aside: int = 0) -> ConversationMemory:
    return ConversationMemory(turns=turns, ttl_s=100, conversations=2, clock=clock, extra_aside=extra_aside)


def fill(kept: ConversationMemory, count: int, conversation: str = "c") -> None:
    for number in range(count):
        kept.remember(conversation, f"q{number}", f"a{number}")


def questions(kept: ConversationMemory, conversation: str = "c") -> list[str]:
    return [message.content for message in kept.recall(conversation) if message.role == "user"]


def older(kept: ConversationMemory) -> list[str]:
    return [turn.question for turn in kept.older("c")]


def test_what_is_beyond_the_bound_waits_to_be_condensed_bounded_itself(clock: Clock) -> None:
    kept = memory(clock)
    fill(kept, 8)
    assert questions(kept) == ["q5", "q6", "q7"]
    assert older(kept) == ["q2", "q3", "q4"]


def test_more_can_be_set_aside_at_a_time(clock: Clock) -> None:
    kept = memory(clock, extra_aside=1)
    fill(kept, 4)
    assert (older(kept), questions(kept)) == (["q0", "q1"], ["q2", "q3"])
    kept.set_aside("c", 2)
    assert (older(kept), questions(kept)) == (["q0", "q1", "q2"], ["q3"])


def test_a_summary_takes_the_place_of_what_it_tells(clock: Clock) -> None:
    kept = memory(clock)
    fill(kept, 5)
    told = kept.older("c")
    kept.remember("c", "q5", "a5")
    kept.condense("c", told, "a summary")
    assert (kept.summary("c"), older(kept)) == ("a summary", ["q2"])
    clock.now_s = 101
    assert kept.summary("c") is None


def test_a_summary_of_what_was_forgotten_meanwhile_is_not_kept(clock: Clock) -> None:
    kept = memory(clock)
    kept.remember("c", "remember that I like tea", "Yes.")
    fill(kept, 3)
    told = kept.older("c")
    kept.drop_mentions("c", "I like TEA!")
    kept.condense("c", told, "likes tea")
    assert kept.summary("c") is None
    assert "tea" not in str(kept.recall("c")) + str(kept.older("c"))


def test_the_older_half_goes_and_at_last_the_summary(clock: Clock) -> None:
    kept = memory(clock)
    fill(kept, 4)
    kept.condense("c", kept.older("c"), "a summary")
    kept.forget_older_half("c")
    assert questions(kept) == ["q3"]
    kept.forget_older_half("c")
    assert (questions(kept), kept.summary("c")) == ([], "a summary")
    kept.forget_older_half("c")
    assert kept.summary("c") is None


def test_a_turn_is_cut_to_what_was_heard(clock: Clock) -> None:
    kept = memory(clock)
    fill(kept, 2)
    last = kept.last("c")
    assert last is not None
    kept.break_off("c", last, "a")
    assert [message.content for message in kept.recall("c")] == ["q0", "a0", "q1", "a"]
    assert last.broken_off
    kept.break_off("c", last, "")
    assert questions(kept) == ["q0"]
    kept.break_off("c", RememberedTurn("other", "one"), "")
    kept.break_off("nobody", last, "")
    assert questions(kept) == ["q0"]


def test_the_longest_silent_conversation_goes_first(clock: Clock) -> None:
    kept = memory(clock)
    for conversation in ("a", "b", "a", "c"):
        kept.remember(conversation, "q", "a")
    assert [bool(kept.recall(conversation)) for conversation in "abc"] == [True, False, True]
