"""From the stream of a language model to pieces a voice can say."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from wyoming_servers.text import (
    Pronunciation,
    PronunciationDictionary,
    SentenceSplitter,
    SpeakableStream,
    speakable,
)


def _spoken(stream: SpeakableStream, chunks: Iterable[str]) -> list[str]:
    return [piece for chunk in chunks for piece in stream.feed(chunk)] + stream.flush()


_ENGLISH = """<think>The user wants a plan.</think>Sure! Here's the plan for **Saturday, Nov. 22**:

1. **7:30 am** – Turn on the lights (living room, kitchen).
2. Set the thermostat to 21.5 °C. 🌡️

| Room | Temp |
|------|-----:|
| Kitchen | 21.3°C |

```yaml
service: light.turn_on
```
See the [manual](https://example.com/manual.pdf) or https://www.home-assistant.io/docs/. Enjoy! 😊"""

_ENGLISH_PIECES = [
    "Sure!",
    "Here's the plan for Saturday, November twenty-second:",
    "one, seven thirty AM, Turn on the lights, living room, kitchen.",
    "two, Set the thermostat to twenty-one point five degrees Celsius.",
    "Room, temperature.",
    "Kitchen, twenty-one point three degrees Celsius.",
    "See the manual or home-assistant dot io.",
    "Enjoy!",
]

_CHINESE = """好的！以下是今天的摘要：

## 天氣
- 溫度：**18–22°C**，降雨機率 30%
- PM2.5 為 35 µg/m³（普通）

1. 上午 10:30 與 Dr. Wang 開會（約 45 分鐘）
2. 19:30 看《沙丘2》

電費是 NT$1,234，比上個月少 12.5%。需要我打開客廳的 Philips Hue 燈嗎？😊"""

_CHINESE_PIECES = [
    "好的！",
    "以下是今天的摘要：",
    "天氣。",
    "溫度：攝氏十八到二十二度，降雨機率百分之三十。",
    "PM 二點五為每立方公尺三十五微克，普通。",
    "一，上午十點三十分與 Dr. Wang 開會，約四十五分鐘。",
    "二，十九點三十分看沙丘二。",
    "電費是一千兩百三十四元，比上個月少百分之十二點五。",
    "需要我打開客廳的 Philips Hue 燈嗎？",
]


@pytest.mark.parametrize(
    ("language", "text", "pieces"), [("en", _ENGLISH, _ENGLISH_PIECES), ("zh-TW", _CHINESE, _CHINESE_PIECES)]
)
@pytest.mark.parametrize("chunk_chars", [1, 2, 3, 7, 10_000])
def test_an_answer_with_everything_in_it_is_spoken(
    language: str, text: str, pieces: list[str], chunk_chars: int
) -> None:
    """Reasoning, lists, tables, code, links, emoji, units and dates, in chunks of any size."""
    chunks = [text[start : start + chunk_chars] for start in range(0, len(text), chunk_chars)]
    assert _spoken(SpeakableStream(language), chunks) == pieces


def test_the_first_piece_leaves_while_the_answer_is_being_written() -> None:
    """The clause comes out with the chunk that proves it complete, markup or not."""
    stream = SpeakableStream("en")
    assert stream.feed("**I turned on the") == []
    assert stream.feed(" lights**,") == []
    assert stream.feed(" and") == ["I turned on the lights,"]


def test_a_number_and_its_unit_in_two_chunks_stay_together() -> None:
    """21 and °C in two chunks are still degrees."""
    assert _spoken(SpeakableStream("en"), ["It is 21", ".5", " °", "C now."]) == [
        "It is twenty-one point five degrees Celsius now."
    ]


def test_both_languages_of_a_mixed_answer_are_read_in_their_own_words() -> None:
    """Each piece is read in the language it is written in."""
    stream = SpeakableStream("zh-TW")
    assert _spoken(stream, ["客廳是21度。", "The kitchen has 2 lights on. ", "臥室有2盞燈。"]) == [
        "客廳是二十一度。",
        "The kitchen has two lights on.",
        "臥室有兩盞燈。",
    ]


def test_pieces_with_nothing_to_say_are_dropped() -> None:
    """Emoji, rules and lone punctuation make no piece."""
    assert _spoken(SpeakableStream("en"), ["👍\n\n---\n\n***\n\n...\n\nYes.\n\n🎉"]) == ["Yes."]


def test_a_stream_may_be_used_again_after_flush() -> None:
    """Nothing of the last answer is left, and the first clause is short again."""
    stream = SpeakableStream("en")
    assert _spoken(stream, ["```\nnever closed"]) == []
    assert stream.feed("I turned on the lights, and") == ["I turned on the lights,"]


def test_the_dictionary_is_applied_before_numbers_are_read() -> None:
    """An entry may hold digits, and its replacement is read like any text."""
    dictionary = PronunciationDictionary(
        [Pronunciation("HA", "Home Assistant"), Pronunciation("B12", "bee 12"), Pronunciation("小明", "曉明", "zh")]
    )
    assert (
        speakable("HA likes **b12** and 小明", "en", dictionary=dictionary)
        == "Home Assistant likes bee twelve and 小明"
    )
    stream = SpeakableStream("zh-TW", dictionary=dictionary)
    assert _spoken(stream, ["小", "明有2個H", "A。"]) == ["曉明有兩個 Home Assistant。"]


def test_the_lengths_of_pieces_can_be_chosen() -> None:
    """A voice with a slow start may want longer first pieces."""
    text = "I turned on the lights, and the fan."
    assert _spoken(SpeakableStream("en", splitter=SentenceSplitter(first_clause_min_chars=100)), [text]) == [text]


def test_an_address_nobody_can_say_is_a_link_in_the_language_of_the_stream() -> None:
    """A number address is not spelled out."""
    assert speakable("See http://192.168.1.5:8123/x.", "en") == "See a link."
    assert speakable("請看 http://192.168.1.5:8123/x。", "zh-TW") == "請看連結。"
    assert speakable("请看 http://192.168.1.5:8123/x。", "zh-CN") == "请看链接。"
    assert speakable("Voir http://192.168.1.5:8123/x.", "fr") == "Voir."
