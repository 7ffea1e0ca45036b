"""Events as value objects, with their fields checked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.asr import Transcribe, Transcript, VadSensitivity
from wyoming.audio import AudioChunk, AudioStart
from wyoming.event import Event, Eventable
from wyoming.handle import Handled
from wyoming.info import Info, SelectProgram
from wyoming.ping import Ping
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeVoice

from avatar_appliance.errors import BadRequest
from avatar_appliance.wire import parse_event

FORMAT = {"rate": 16_000, "width": 2, "channels": 1}


def test_good_events_come_out_as_they_are() -> None:
    wish = Transcribe(name="m", language="en", context={"a": 1}, vad_sensitivity=VadSensitivity.RELAXED)
    assert parse_event(Transcribe, wish.event()) == wish
    voice = Synthesize("hi", SynthesizeVoice(name="v", speaker="s"), "ssml", {"c": 1})
    assert parse_event(Synthesize, voice.event()) == voice
    chunk = AudioChunk(**FORMAT, audio=b"1234", timestamp=5)
    assert parse_event(AudioChunk, chunk.event()) == chunk


def test_an_unknown_vad_sensitivity_is_a_string() -> None:
    assert parse_event(Transcribe, Event("transcribe", {"vad_sensitivity": "lazy"})).vad_sensitivity == "lazy"


def test_unknown_fields_are_ignored() -> None:
    assert parse_event(Ping, Event("ping", {"text": "a", "more": [1]})).text == "a"


def test_a_timestamp_may_be_anything() -> None:
    """Nobody looks at it, and some clients send fractions."""
    assert parse_event(AudioStart, Event("audio-start", {**FORMAT, "timestamp": 1.5})).rate == 16_000


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Transcript, {}),
        (Transcript, {"text": None}),
        (Transcript, {"text": 5}),
        (Transcript, {"text": "a", "language": 5}),
        (Transcript, {"text": "a", "context": "no object"}),
        (Transcribe, {"transcript_names": "one"}),
        (Transcribe, {"vad_sensitivity": []}),
        (Transcribe, {"name": {}}),
        (AudioChunk, {"rate": 16_000, "width": 2}),
        (AudioChunk, {**FORMAT, "rate": "16000"}),
        (AudioChunk, {**FORMAT, "channels": 1.0}),
        (AudioChunk, {**FORMAT, "width": True}),
        (Synthesize, {"text": ["a"]}),
        (Synthesize, {"text": "a", "voice": 5}),
        (Synthesize, {"text": "a", "voice": {"name": {}}}),
        (Synthesize, {"text": "a", "voice": {"name": "v", "speaker": 3}}),
        (SynthesizeStart, {"voice": {"language": []}}),
        (SynthesizeChunk, {}),
        (SelectProgram, {}),
        (SelectProgram, {"name": []}),
        (Info, {"asr": 5}),
        (Info, {"asr": [{}]}),
        (Info, {"tts": [5]}),
    ],
)
def test_missing_and_mistyped_fields_are_bad_requests(kind: type[Eventable], data: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        parse_event(kind, Event("some-type", data))


def test_the_error_does_not_quote_what_was_sent() -> None:
    with pytest.raises(BadRequest) as caught:
        parse_event(Transcript, Event("transcript", {"text": ["my secret"]}))
    assert "secret" not in caught.value.text


KINDS = [Transcribe, Transcript, AudioChunk, AudioStart, Synthesize, SynthesizeStart, SynthesizeChunk, Handled, Info]
FIELDS = ["text", "language", "name", "voice", "context", "rate", "width", "channels", "speaker", "asr", "tts"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
    max_leaves=6,
)


@given(kind=st.sampled_from(KINDS), data=st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_no_data_raises_anything_else(kind: type[Eventable], data: dict[str, Any]) -> None:
    try:
        value = parse_event(kind, Event("x", data))
    except BadRequest:
        return
    for name in ("text", "language", "name"):
        assert isinstance(getattr(value, name, None), (str, type(None)))
