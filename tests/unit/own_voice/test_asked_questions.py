"""Which utterance a question was: certain, or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from wyoming_servers.own_voice.questions import FOLLOWS_WITHIN_S, AskedQuestions
from wyoming_servers.own_voice.trouble import TROUBLES, Trouble, id_of_trouble, trouble_of_id
from wyoming_servers.own_voice.utterances import UTTERANCES_FILE, Utterance, Utterances, digest_of, write_utterances

ODD = '{"format": 1, "utterances": [{"id": "a", "heard_at_s": 1, "words": "w", "trouble": "a cold"}]}'


class Heard:
    """Utterances as the speech-to-text server writes them, and questions about them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_s = 100.0
        self.lines: list[Utterance] = []
        self.questions = AskedQuestions(Utterances(folder), clock=lambda: self.now_s)

    def say(self, text: str, trouble: Trouble | None = None) -> str:
        name = f"asker-{len(self.lines) + 256:08x}"
        self.lines.append(Utterance(name, self.now_s, digest_of(text), trouble))
        write_utterances(self.folder, self.lines)
        return name

    def ask(self, text: str, conversation: str = "c1") -> str | None:
        return self.questions.utterance_of(text, conversation)


@pytest.fixture
def heard(tmp_path: Path) -> Heard:
    return Heard(tmp_path)


@pytest.mark.parametrize("asked", ["What time is it?", " what time is it", "What time is it"])
def test_a_question_is_the_utterance_of_its_words(heard: Heard, asked: str) -> None:
    heard.say("Open the door")
    name = heard.say("What time is it?")
    assert heard.ask(asked) == name


@pytest.mark.parametrize("asked", ["現在幾點", "現在幾點？"])
def test_chinese_words_are_compared_too(heard: Heard, asked: str) -> None:
    heard.say("現在幾度")
    name = heard.say("現在幾點")
    assert heard.ask(asked) == name


def test_other_words_and_nothing_heard_are_nobodys(heard: Heard) -> None:
    assert heard.ask("What time is it?") is None
    heard.say("What time is it?")
    assert heard.ask("What time was it?") is None


@pytest.mark.parametrize("trouble", TROUBLES)
def test_utterances_that_are_no_voice_are_told_apart_by_nothing_but_why(heard: Heard, trouble: Trouble) -> None:
    heard.say("One", trouble)
    heard.say("Two", trouble)
    found = {heard.ask("One", "c1"), heard.ask("Two", "c2")}
    assert found == {id_of_trouble(trouble)}
    assert trouble_of_id(id_of_trouble(trouble)) == trouble


def test_words_of_one_who_is_no_voice_are_nobody_elses(heard: Heard) -> None:
    heard.say("What time is it?")
    heard.say("What time is it?", "too little speech")
    assert heard.ask("What time is it?") is None


def test_two_who_say_the_same_at_once_are_told_apart_by_nobody(heard: Heard) -> None:
    heard.say("What time is it?")
    heard.say("what time is it")
    assert heard.ask("What time is it?", "c1") is None
    assert heard.ask("What time is it?", "c2") is None


def test_one_after_the_other_each_has_their_own(heard: Heard) -> None:
    first = heard.say("What time is it?")
    assert heard.ask("What time is it?", "c1") == first
    second = heard.say("What time is it?")
    assert heard.ask("What time is it?", "c2") == second


def test_the_same_person_again_in_one_conversation_is_the_later_utterance(heard: Heard) -> None:
    heard.say("and tomorrow")
    heard.ask("and tomorrow", "c1")
    later = heard.say("and tomorrow")
    assert heard.ask("and tomorrow", "c1") == later
    assert heard.ask("and tomorrow", "c1") == later


def test_an_utterance_is_one_conversations_for_all_requests_of_a_thought_and_nobody_elses(heard: Heard) -> None:
    name = heard.say("What time is it?")
    assert heard.ask("What time is it?", "c1") == name
    heard.now_s += FOLLOWS_WITHIN_S + 5  # tools take their time
    assert heard.ask("What time is it?", "c1") == name
    assert heard.ask("What time is it?", "c2") is None


def test_a_question_that_comes_long_after_is_typed(heard: Heard) -> None:
    heard.say("What time is it?")
    heard.now_s += FOLLOWS_WITHIN_S + 1
    assert heard.ask("What time is it?") is None


def test_an_utterance_of_the_future_is_of_another_boot(heard: Heard) -> None:
    heard.say("What time is it?")
    heard.now_s = 5.0
    assert heard.ask("What time is it?") is None


@pytest.mark.parametrize(
    "content", ["[]", '{"format": 2}', '{"format": 1, "utterances": [{"id": 3}]}', "nonsense", ODD]
)
def test_a_bad_file_is_nobodys_words(tmp_path: Path, content: str) -> None:
    (tmp_path / UTTERANCES_FILE).write_text(content)
    assert Utterances(tmp_path).all == ()
