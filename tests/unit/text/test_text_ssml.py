"""SSML is reduced to what it asks to have spoken."""

from __future__ import annotations

import pytest

from wyoming_servers.text import SpeakableStream, speakable


def _pieces(ssml: str, language: str = "en") -> list[str]:
    """Speak in one go and character by character; both must agree."""
    stream = SpeakableStream(language, text_format="ssml")
    at_once = stream.feed(ssml) + stream.flush()
    assert [piece for char in ssml for piece in stream.feed(char)] + stream.flush() == at_once
    return at_once


@pytest.mark.parametrize(
    ("ssml", "pieces"),
    [
        ("<speak>Hello <prosody rate='slow'>there</prosody></speak>", ["Hello there"]),
        ('<?xml version="1.0"?><!-- note --><speak>Hi</speak>', ["Hi"]),
        ("<speak><p>One</p><s>Two</s></speak>", ["One", "Two"]),
        ("Wait<break/>there", ["Wait, there"]),
        ("Wait<break time='200ms'/>there", ["Wait, there"]),
        ("Wait<break time='2s'/>there", ["Wait", "there"]),
        ("Wait<break strength='x-strong'/>there", ["Wait", "there"]),
        ("Wait <break strength='none'/>there", ["Wait there"]),
        ("<sub alias='World Wide Web'>WWW</sub> at 5", ["World Wide Web at five"]),
        ("<sub alias='a &gt; b > c'>x</sub>", ["a greater than b greater than c"]),
        ("<say-as interpret-as='characters'>AB3c</say-as>", ["A, B, three, C"]),
        ("<say-as interpret-as='spell-out'>wifi</say-as>", ["W, I, F, I"]),
        ("<say-as interpret-as='digits'>1234</say-as>", ["one two three four"]),
        ("<say-as interpret-as='telephone'>+1 555-1234</say-as>", ["plus one, five five five, one two three four"]),
        ("<say-as interpret-as='date'>11/22/2026</say-as>", ["November twenty-second, twenty twenty-six"]),
        ("<mstts:express-as style='x'>Hi</mstts:express-as>", ["Hi"]),
        ("<audio src='x.wav'><desc>a bell</desc>Ding</audio>", ["Ding"]),
        ("Tom &amp; Jerry, 3 &lt; 5", ["Tom and Jerry, three less than five"]),
        ("3 < 5 <unclosed", ["three less than five less than unclosed"]),
        ("<sub alias='x'>never closed", ["x"]),
        ("<sub alias='x'/> and </sub></speak>", ["x and"]),
        ("5 * 3 and *stars* stay signs", ["five times three and stars stay signs"]),
        ("<think>secret</think>Hi 👋", ["Hi"]),
    ],
)
def test_ssml_is_spoken(ssml: str, pieces: list[str]) -> None:
    """Tags go, pauses, aliases and spelling are respected."""
    assert _pieces(ssml) == pieces


def test_ssml_in_chinese() -> None:
    """Digits are read one by one in the language of the stream."""
    assert _pieces("你好<break strength='weak'/>請打<say-as interpret-as='digits'>1999</say-as>。", "zh-TW") == [
        "你好，請打一九九九。"
    ]


def test_a_forgotten_end_tag_does_not_hold_the_stream() -> None:
    """What is held for an element is let go when it gets too long."""
    stream = SpeakableStream("en", text_format="ssml")
    assert stream.feed("<say-as interpret-as='digits'>" + "No end in sight. " * 100)


def test_tags_in_text_that_is_not_ssml_are_dropped_too() -> None:
    """Models write tags whether asked or not."""
    assert speakable("<speak>**Hello** <emphasis>you</emphasis></speak>", "en", text_format="text") == "Hello you"
    assert speakable("**Hello** you", "en", text_format="ssml") == "Hello you"
