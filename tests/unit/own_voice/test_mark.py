"""An utterance's id, invisible in the text of its answer."""

from __future__ import annotations

import pytest

from wyoming_servers.own_voice.mark import MarkReader, mark_of, marked, new_utterance_id, unmarked
from wyoming_servers.own_voice.trouble import trouble_of_id

ID = "asker-00f1e2c3"


@pytest.mark.parametrize("utterance", ["asker-00000000", "asker-ffffffff", ID])
@pytest.mark.parametrize("answer", ["It is nine.", "現在九點。", "👩‍👩‍👧 done"])
def test_what_is_marked_says_whose_it_is_and_is_otherwise_the_same_text(utterance: str, answer: str) -> None:
    reader = MarkReader()
    assert reader.feed(marked(answer, utterance)) == answer
    assert reader.utterance == utterance
    assert unmarked(marked(answer, utterance)) == answer


def test_a_mark_survives_what_home_assistant_does_to_an_answer() -> None:
    text = marked("Two  words.\n", ID)
    assert MarkReader().feed(text.strip()) == "Two  words."
    reader = MarkReader()
    assert reader.feed(" ".join(text.strip().split())) == "Two words."
    assert reader.utterance == ID


def test_a_mark_is_neither_seen_nor_white_space() -> None:
    assert not any(char.isprintable() or char.isspace() for char in mark_of(ID))


@pytest.mark.parametrize("cut", range(1, 18))
def test_a_mark_that_comes_in_two_chunks_is_read(cut: int) -> None:
    text, reader = marked("Done.", ID), MarkReader()
    assert reader.feed(text[:cut]) + reader.feed(text[cut:]) == "Done."
    assert reader.utterance == ID


def test_the_first_of_several_marks_counts_and_all_are_taken_out() -> None:
    reader = MarkReader()
    text = f"{marked('Wait.', ID)} {marked('Done.', 'asker-00000001')}"
    assert reader.feed(text) == "Wait. Done."
    assert reader.utterance == ID


@pytest.mark.parametrize("text", ["Done.", "\u2060Done.", mark_of(ID)[:-1] + "Done.", "\u2061" * 400 + "Done."])
def test_what_is_no_mark_is_nobodys(text: str) -> None:
    reader = MarkReader()
    assert reader.feed(text) == "Done."
    assert reader.utterance is None


def test_no_utterance_and_no_answer_leave_the_text_alone() -> None:
    assert marked("Done.", None) == "Done."
    assert marked("", ID) == ""


@pytest.mark.parametrize("wrong", ["asker-xyz", "asker-1", "anna", "asker-00F1E2C3", ""])
def test_only_ids_of_utterances_can_be_written(wrong: str) -> None:
    with pytest.raises(ValueError, match="no id of an utterance"):
        mark_of(wrong)


def test_ids_are_voice_ids_and_differ() -> None:
    ids = {new_utterance_id() for _ in range(64)}
    assert len(ids) == 64
    assert all(marked("x", one) for one in ids)
    assert not any(trouble_of_id(one) for one in ids)
