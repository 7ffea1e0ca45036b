"""Which stages make a turn: one case for each rule."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest

from avatar_appliance.turns import JoinRules, StageReport
from avatar_appliance.turns.open_turns import OpenTurns

from .conftest import NOW, heard, spoken, thought


def turns_of(reports: Sequence[StageReport], rules: JoinRules | None = None) -> set[str]:
    """Return the turns as the names of their stages, sorted and joined by `+`."""
    table = OpenTurns(rules or JoinRules())
    turns: dict[str | None, list[str]] = {}
    stage_ids = [(report.connection_id, table.end(report, NOW + 100)[0]) for report in reports]
    for name, stage_id in stage_ids:
        turns.setdefault(table.turn_of(stage_id), []).append(name)
    return {"+".join(sorted(names)) for names in turns.values()}


def test_a_spoken_turn_is_joined_in_whatever_order_its_reports_arrive() -> None:
    reports = [
        heard("t", " 打開客廳的燈", 0),
        thought("k", "打開客廳的燈", "好的，燈打開了。", 0.1),
        spoken("s", "好的，燈打開了。", 1.2),
    ]
    for order in permutations(reports):
        assert turns_of(order) == {"k+s+t"}


def test_two_alike_at_the_same_time_stay_apart() -> None:
    reports = [
        heard("t1", "lights on", 0),
        heard("t2", "lights on", 0.1),
        thought("k1", "lights on", "Living room on.", 0.2, satellite_id="a"),
        thought("k2", "lights on", "Kitchen on.", 0.3, satellite_id="b"),
    ]
    assert turns_of(reports) == {"t1", "t2", "k1", "k2"}


def test_the_satellite_tells_two_alike_apart() -> None:
    reports = [
        heard("t1", "lights on", 0, satellite_id="a"),
        heard("t2", "lights on", 0.1, satellite_id="b"),
        thought("k2", "lights on", "Kitchen on.", 0.2, satellite_id="b"),
        thought("k1", "lights on", "Living room on.", 0.3, satellite_id="a"),
    ]
    assert turns_of(reports) == {"k1+t1", "k2+t2"}


def test_one_known_satellite_is_enough() -> None:
    reports = [
        heard("t1", "lights on", 0, device_id="a"),
        heard("t2", "lights on", 0.1),
        thought("k1", "lights on", "One.", 0.3, device_id="a"),
        thought("k2", "lights on", "Two.", 0.2, device_id="b"),
    ]
    assert turns_of(reports) == {"k1+t1", "k2+t2"}


def test_a_contradicting_place_forbids_a_join_also_by_way_of_the_thought() -> None:
    assert turns_of([heard("t", "hi", 0, satellite_id="a"), thought("k", "hi", "Hi.", 0.1, satellite_id="b")]) == {
        "t",
        "k",
    }
    reports = [
        heard("t", "hi", 0, satellite_id="a"),
        thought("k", "hi", "Hello.", 0.1),
        spoken("s", "Hello.", 1.2, satellite_id="b"),
    ]
    assert turns_of(reports) == {"k+t", "s"}


def test_a_sentence_repeated_after_its_answer_makes_two_whole_turns() -> None:
    reports = [
        heard("t1", "stop", 0),
        thought("k1", "stop", "Done.", 0.1),
        spoken("s1", "Done.", 1.2),
        heard("t2", "stop", 5),
        thought("k2", "stop", "Done.", 5.1),
        spoken("s2", "Done.", 6.2),
    ]
    assert turns_of(reports) == {"k1+s1+t1", "k2+s2+t2"}


def test_the_same_words_typed_long_after_they_were_said_take_nothing_away() -> None:
    reports = [heard("t", "stop", 0), thought("k", "stop", "Done.", 0.1), thought("typed", "stop", "Done.", 12)]
    assert turns_of(reports) == {"k+t", "typed"}


def test_a_slow_home_assistant_is_joined_where_only_one_explanation_is_left() -> None:
    """Nothing comes promptly, but the first answer cannot be to the second sentence."""
    reports = [
        heard("t1", "stop", 0),
        thought("k1", "stop", "Yes.", 5),
        heard("t2", "stop", 10),
        thought("k2", "stop", "No.", 15),
    ]
    assert turns_of(reports) == {"k1+t1", "k2+t2"}


def test_two_explanations_that_contradict_each_other_join_nothing() -> None:
    """Promptness pairs t2 with k1; that each is to find a partner pairs t1 with k1 and t2 with k2."""
    reports = [
        heard("t1", "stop", 0),
        heard("t2", "stop", 20),
        thought("k1", "stop", "Yes.", 20.1),
        thought("k2", "stop", "No.", 35),
    ]
    for order in permutations(reports):
        assert turns_of(order) == {"t1", "t2", "k1", "k2"}


def test_the_same_words_typed_at_the_same_moment_make_it_ambiguous() -> None:
    reports = [heard("t", "stop", 0), thought("k", "stop", "Yes.", 0.1), thought("typed", "stop", "No.", 0.2)]
    assert turns_of(reports) == {"t", "k", "typed"}


def test_a_late_report_dissolves_what_it_makes_ambiguous() -> None:
    table = OpenTurns(JoinRules())
    first, _ = table.end(heard("t1", "stop", 0), NOW)
    answer, _ = table.end(thought("k", "stop", "Done.", 0.2), NOW)
    assert table.turn_of(first) == table.turn_of(answer)
    table.end(heard("t2", "stop", 0.1), NOW)
    assert table.turn_of(first) != table.turn_of(answer)


@pytest.mark.parametrize(("gap_s", "joined"), [(29.9, True), (30.1, False), (-0.9, True), (-1.1, False)])
def test_a_thought_belongs_to_a_transcript_within_the_window(gap_s: float, joined: bool) -> None:
    found = turns_of([heard("t", "stop", 0), thought("k", "stop", "Done.", gap_s)])
    assert found == ({"k+t"} if joined else {"k", "t"})


def test_thinking_may_take_long_and_speech_may_begin_while_it_lasts() -> None:
    reports = [
        heard("t", "why", 0),
        thought("k", "why", "A long story.", 0.1, ended_at=NOW + 90),
        spoken("s", "A long story.", 2),
    ]
    assert turns_of(reports) == {"k+s+t"}
    assert turns_of([reports[1], spoken("s", "A long story.", 119)]) == {"k+s"}
    assert turns_of([reports[1], spoken("s", "A long story.", 121)]) == {"k", "s"}
    assert turns_of([reports[1], spoken("s", "A long story.", 0)]) == {"k", "s"}


def test_an_answer_spoken_in_pieces_is_joined_when_they_fit_in_order() -> None:
    answer = "好的，我來看看。客廳的燈打開了。 Anything else?"
    pieces = ["好的，我來看看。", "客廳的燈打開了。", "Anything  else?"]
    reports = [thought("k", "燈", answer, 0), *(spoken(f"s{i}", text, 1 + i) for i, text in enumerate(pieces))]
    for order in permutations(reports):
        assert turns_of(order) == {"k+s0+s1+s2"}
    assert turns_of(reports[:3]) == {"k+s0+s1"}


@pytest.mark.parametrize(
    "texts",
    [
        ["客廳的燈打開了。"],  # not the beginning
        ["客廳的燈打開了。", "好的，我來看看。"],  # not in order
        ["好的，我"],  # not to the end of a clause
        ["好的，我來看看。", "好的，我來看看。"],  # said twice, written once
        ["好的，我來看看。", "晚安。客廳"],  # something else
    ],
)
def test_pieces_that_do_not_fit_stay_apart(texts: list[str]) -> None:
    reports = [
        thought("k", "燈", "好的，我來看看。客廳的燈打開了。", 0),
        *(spoken(f"s{i}", text, 1 + i) for i, text in enumerate(texts)),
    ]
    joined = turns_of(reports)
    expected = {"k+s0", "s1"} if texts[-1].startswith("晚安") else {"k", *(f"s{i}" for i in range(len(texts)))}
    assert joined == expected


def test_a_piece_of_two_answers_belongs_to_neither() -> None:
    reports = [
        thought("k1", "a", "Done. The light is on.", 0),
        thought("k2", "b", "Done. The door is shut.", 0.1),
        spoken("s", "Done.", 1.5),
    ]
    assert turns_of(reports) == {"k1", "k2", "s"}


def test_home_assistants_own_answer_is_not_joined_to_the_transcript() -> None:
    """Nothing on the wire links them, and an announcement would look the same."""
    assert turns_of([heard("t", "lights on", 0), spoken("s", "Turned on the lights.", 0.5)]) == {"t", "s"}


def test_a_link_joins_whatever_the_words_are() -> None:
    reports = [
        heard("t", "hello", 0, link_id="chat-1"),
        thought("k", "HELLO", "Hi!", 50, link_id="chat-1"),
        spoken("s", "Something else", 99, link_id="chat-1"),
        heard("other", "hello", 0, link_id="chat-2"),
    ]
    assert turns_of(reports) == {"k+s+t", "other"}


def test_linked_stages_do_not_disturb_the_matching_of_others() -> None:
    reports = [
        heard("t", "hello", 0),
        thought("k", "hello", "Hi!", 0.2),
        thought("chat", "hello", "Hi!", 0.1, link_id="chat"),
        heard("chat-t", "hello", 0, link_id="chat"),
        spoken("s", "Hi!", 1.3),
        spoken("chat-s", "Hi!", 1.3, link_id="chat"),
    ]
    assert turns_of(reports) == {"k+s+t", "chat+chat-s+chat-t"}


@pytest.mark.parametrize("said", ["Let me look. It is 20 degrees.", "It is 20 degrees."])
def test_the_rounds_of_one_thought_are_one_thought(said: str) -> None:
    """An OpenAI-style agent asks again after each tool; streamed speech has all rounds, other speech the last."""
    reports = [
        heard("t", "how warm", 0),
        thought("k1", "how warm", "Let me look.", 0.1, link_id="tools"),
        thought("k2", "how warm", "It is 20 degrees.", 1.5, link_id="tools"),
        spoken("s", said, 1.6),
    ]
    for order in permutations(reports):
        assert turns_of(order) == {"k1+k2+s+t"}
