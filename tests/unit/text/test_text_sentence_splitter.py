"""Where the stream of text is cut into pieces."""

from __future__ import annotations

import pytest

from wyoming_servers.text import SentenceSplitter


def _split(text: str, **lengths: int) -> list[str]:
    splitter = SentenceSplitter(**lengths)
    return splitter.feed(text) + splitter.flush()


def _sentences(text: str) -> list[str]:
    """Split without the early end of the first clause."""
    return _split(text, first_clause_min_chars=240)


@pytest.mark.parametrize(
    "sentences",
    [
        ["Sure.", "The light is on!", "Anything else?"],
        ["好的。", "燈已經打開了！", "還需要什麼嗎？"],
        ["溫度是21.5度；", "濕度是60%。"],
        ["It is 21.5 degrees.", "Mind the 3,000 steps at 10:30."],
        ["Mr. Smith met Dr. Jones at 7 a.m. in the U.S. embassy.", "They left."],
        ["Meet me at 7 a.m.", "The door is open."],
        ["Fruit, e.g. apples, i.e. food, vs. stones.", "Right."],
        ["Take Flight No. 5 to Gate No. 12.", "Hurry!"],
        ["Did you call?", "No.", "I forgot."],
        ["J. K. Rowling and J.R.R. Tolkien wrote.", "I read."],
        ["He works at Example Inc. in town.", "She does not."],
        ["Milk, eggs, etc. are in the fridge.", "Bread is not."],
        ["See example.com or https://example.com/a.b?c=d for more.", "Mail joe@example.com."],
        ["Well... maybe.", "Wait...", "What was that?"],
        ["Hmm… not yet.", "Now!"],
        ["我想……", "也許吧。"],
        ['He said "Stop!"', "Then he left."],
        ['"Really?" he asked.', "(Yes.)", "Fine."],
        ["「太好了！」", "他說。", "（真的。）", "好。"],
        ["What?!", "No way!!!", "Really."],
        ["真的嗎？！", "不會吧！！"],
        ["One line", "another line"],
        ["Version 1.2.3 is out.", "Get file.txt now."],
        ["It is 21 °C.", "Lights are on."],
        ["Pick plan B.", "The end."],
        ["OK.", "好的。"],
        ["今年成長3.5倍。", "很好。"],
        ["It is done.", "「好」是 good。", "對。"],
        ["1. Open the app.", "2. Press start."],
        ["Yahoo!s and AC/DC?x are no ends.", "This is."],
    ],
    ids=lambda sentences: sentences[0],
)
def test_sentences_are_cut_where_a_reader_would(sentences: list[str]) -> None:
    """Numbers, abbreviations, addresses and quotes do not end a sentence early."""
    joint = "\n" if sentences[0] == "One line" else " "
    assert _sentences(joint.join(sentences)) == sentences


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("I turned on the lights, and the fan, too.", ["I turned on the lights,", "and the fan, too."]),
        ("Sure, I turned on the lights, and the fan.", ["Sure, I turned on the lights,", "and the fan."]),
        ("客廳的燈已經打開了，冷氣也開了，請稍等。", ["客廳的燈已經打開了，", "冷氣也開了，請稍等。"]),
        ("好的，客廳的燈打開了，請稍等。", ["好的，客廳的燈打開了，", "請稍等。"]),
        ("The temperature is fine: it is 21.", ["The temperature is fine:", "it is 21."]),
        ("The doors are all closed — good night.", ["The doors are all closed —", "good night."]),
        ("The doors are all closed - good night.", ["The doors are all closed -", "good night."]),
        ("客廳、廚房和臥室、浴室的燈", ["客廳、廚房和臥室、", "浴室的燈"]),
        ("It costs about 3,000,000 dollars, I think.", ["It costs about 3,000,000 dollars,", "I think."]),
        ("The meeting is at 10:30 today, not now.", ["The meeting is at 10:30 today,", "not now."]),
        ("Yes. I turned on the lights, and the fan.", ["Yes.", "I turned on the lights, and the fan."]),
        ("The answer to 12345 - 54321 is negative", ["The answer to 12345 - 54321 is negative"]),
    ],
)
def test_the_first_piece_ends_at_a_clause_that_is_long_enough(text: str, pieces: list[str]) -> None:
    """The first sound comes early; later pieces are whole sentences."""
    assert _split(text) == pieces


def test_the_first_clause_leaves_while_the_sentence_goes_on() -> None:
    """What can be spoken is returned by the very chunk that makes it certain."""
    splitter = SentenceSplitter()
    assert splitter.feed("I turned on the lights,") == []
    assert splitter.feed(" and") == ["I turned on the lights,"]


@pytest.mark.parametrize(
    ("chunks", "pieces"),
    [
        (["It is 21", ".5 degrees. ", "Good"], [[], ["It is 21.5 degrees."], []]),
        (["It is 21.", "5 degrees"], [[], []]),
        (["It is 21.", " Good"], [[], ["It is 21."]]),
        (["Ask Mr", ".", " Smith"], [[], [], []]),
        (["He left.", '"', " She stayed"], [[], [], ['He left."']]),
        (["At 7 a.m.", " ", "The", " door"], [[], [], [], ["At 7 a.m."]]),
        (["好的。", "」他"], [[], ["好的。」"]]),
        (["Well.", ".", ".", " yes"], [[], [], [], []]),
        (["Really?", " Yes"], [[], ["Really?"]]),
    ],
)
def test_an_ambiguous_end_is_held_back(chunks: list[str], pieces: list[list[str]]) -> None:
    """A full stop at the end of the buffer is no end before the next character is known."""
    splitter = SentenceSplitter(first_clause_min_chars=240)
    assert [splitter.feed(chunk) for chunk in chunks] == pieces


def test_flush_ends_what_is_held_back_and_starts_anew() -> None:
    """After a flush the next text has a first clause again."""
    splitter = SentenceSplitter()
    assert splitter.feed("It is 21.") == []
    assert splitter.flush() == ["It is 21."]
    assert splitter.flush() == []
    assert splitter.feed("I turned on the lights, and") == ["I turned on the lights,"]


def test_a_long_sentence_is_cut_at_its_last_clause() -> None:
    """A clause boundary is better than a space."""
    sentence = "this is a clause, " * 20
    pieces = _split(sentence, max_chars=100)
    assert len(pieces) > 2
    assert all(piece.endswith("clause,") and len(piece) <= 100 for piece in pieces)


def test_a_long_sentence_without_clauses_is_cut_at_a_space() -> None:
    """Words stay whole, and a number stays with its unit."""
    pieces = _split("lamp " * 30 + "at 21 °C " * 10, max_chars=60)
    assert len(pieces) > 3
    assert all(len(piece) <= 60 for piece in pieces)
    assert not [piece for piece in pieces if piece.startswith("°C") or piece.endswith("21")]


def test_long_chinese_text_is_cut_at_eighty_characters() -> None:
    """A Chinese character carries as much as three letters."""
    assert [len(piece) for piece in _split("中" * 200)] == [80, 80, 40]


def test_the_mark_at_the_end_stays_with_a_sentence_of_full_length() -> None:
    """A piece that is only a full stop would be a hiccup."""
    assert _split("中" * 80 + "。" + "好。") == ["中" * 80 + "。", "好。"]


def test_latin_words_inside_long_chinese_text_stay_whole() -> None:
    """The cut goes between Chinese characters, not through a word or a number."""
    pieces = _split("請打開" + "客廳的LivingRoom燈" * 20, max_chars=60)
    assert len(pieces) > 3
    assert not [piece for piece in pieces if piece.count("LivingRoom") != piece.count("L")]


def test_a_word_longer_than_allowed_is_cut_but_not_through_a_letter_with_its_accent() -> None:
    """Without any gap the limit wins, but combining marks stay with their letter."""
    pieces = _split("e\u0301" * 40, first_clause_min_chars=1, max_chars=15)
    assert len(pieces) > 4
    assert all(piece.startswith("e") for piece in pieces)


@pytest.mark.parametrize(("first", "longest"), [(0, 10), (-1, 10), (20, 10)])
def test_lengths_that_make_no_sense_are_refused(first: int, longest: int) -> None:
    """A splitter that could never cut would swallow the stream."""
    with pytest.raises(ValueError, match="first_clause_min_chars"):
        SentenceSplitter(first_clause_min_chars=first, max_chars=longest)


def test_even_a_limit_of_one_ends() -> None:
    """A wide character is longer than the limit and still leaves."""
    assert _split("中文", first_clause_min_chars=1, max_chars=1) == ["中", "文"]
