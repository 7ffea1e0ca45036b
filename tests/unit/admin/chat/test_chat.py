"""`/api/chat`: a turn over real sockets, between a browser and three Wyoming servers that do what the test says."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
from typing import Any

import httpx
import pytest
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.handle import Handled, HandledChunk, HandledStart, NotHandled
from wyoming.info import Attribution, Describe, Info, TtsProgram, TtsVoice
from wyoming.intent import Intent
from wyoming.tts import SynthesizeStopped

from avatar_appliance.store import Stage, Turn
from avatar_appliance.turns.joiner import TurnsChanged

from .chat_client import PATIENCE_S, asked
from .chat_house import RATE_HZ, SPEECH, House, says, writes_down
from .fake_servers import Client

BY = Attribution(name="test", url="")


async def test_a_typed_question_is_answered_and_spoken(http: httpx.AsyncClient, house: House) -> None:
    async with asked(http, text=" Light on! ") as events:
        happened = await events.rest()
    names = [name for name, _ in happened]
    assert names[0] == "began"
    assert names[-1] == "ended"
    assert [data["text"] for name, data in happened if name == "piece"] == ["Done", "."]
    assert ("answered", {"handled": True}) in happened
    sound = [data for name, data in happened if name == "sound"]
    assert b"".join(base64.b64decode(each["pcm"]) for each in sound) == SPEECH
    assert {each["rate_hz"] for each in sound} == {RATE_HZ}
    [question] = house.conversation.clients[0].got
    assert Transcript.from_event(question).text == "Light on!"
    spoken = house.tts.clients[0].got
    assert [event.data.get("text") for event in spoken if event.type == "synthesize-chunk"] == ["Done", "."]


async def test_all_servers_hear_of_one_conversation_at_the_panel(http: httpx.AsyncClient, house: House) -> None:
    async with asked(http, rate_hz=16_000, conversation_id="c-1") as events:
        began = await events.until("began")
        await http.post(f"/api/chat/{began['turn_id']}/sound?position=0&last=true", content=bytes(3200))
        await events.rest()
    assert began["conversation_id"] == "c-1"
    contexts = [server.clients[0].got[0].data["context"] for server in (house.asr, house.conversation, house.tts)]
    assert contexts == [{"conversation_id": "c-1", "satellite_id": "panel"}] * 3


async def test_a_conversation_that_is_not_named_gets_a_name(http: httpx.AsyncClient) -> None:
    names = set()
    for _ in range(2):
        async with asked(http, text="hello", aloud=False) as events:
            names.add((await events.until("began"))["conversation_id"])
    assert len(names) == 2


async def test_sound_comes_before_the_answer_is_complete(http: httpx.AsyncClient, house: House) -> None:
    go_on = asyncio.Event()

    async def thinks_long(client: Client) -> None:
        await client.next()
        await client.say(HandledStart(), HandledChunk("First. "))
        await go_on.wait()
        await client.say(HandledChunk("Second."), Handled("First. Second."))

    async def speaks_at_once(client: Client) -> None:
        await client.until("synthesize-chunk")
        await client.say(AudioStart(RATE_HZ, 2, 1), AudioChunk(RATE_HZ, 2, 1, SPEECH))
        await client.until("synthesize-stop")
        await client.say(AudioStop(), SynthesizeStopped())

    house.conversation.script, house.tts.script = thinks_long, speaks_at_once
    async with asked(http, text="tell me a story") as events:
        await events.until("sound")
        assert "answered" not in events.seen
        go_on.set()
        assert (await events.next())[1] == {"text": "Second."}
        await events.until("ended")


async def test_a_spoken_question_is_sent_on_piece_by_piece(http: httpx.AsyncClient, house: House) -> None:
    first_piece = asyncio.Event()

    async def listens(client: Client) -> None:
        await client.until("audio-chunk")
        first_piece.set()
        await client.until("audio-stop")
        await client.say(Transcript(text="開燈", language="zh"))

    house.asr.script = listens
    async with asked(http, rate_hz=16_000, patient=True) as events:
        path = f"/api/chat/{(await events.until('began'))['turn_id']}/sound"
        assert (await http.post(f"{path}?position=0", content=SPEECH)).status_code == 204
        async with asyncio.timeout(PATIENCE_S):
            await first_piece.wait()
        again = await http.post(f"{path}?position=0", content=SPEECH)  # a browser may repeat what it is not sure of
        assert again.status_code == 204
        await http.post(f"{path}?position={len(SPEECH)}&last=true", content=SPEECH)
        assert await events.until("heard") == {"text": "開燈", "language": "zh"}
        await events.until("ended")
    got = house.asr.clients[0].got
    assert (got[0].data["vad_sensitivity"], got[1].data["rate"]) == ("relaxed", 16_000)
    assert b"".join(event.payload or b"" for event in got if event.type == "audio-chunk") == SPEECH * 2
    question = Transcript.from_event(house.conversation.clients[0].got[0])
    assert (question.text, question.language) == ("開燈", "zh")


async def test_the_server_may_find_the_end_of_the_question(http: httpx.AsyncClient, house: House) -> None:
    async def hears_enough(client: Client) -> None:
        await client.until("audio-chunk")
        await client.say(Transcript(text="stop", language="en"))

    house.asr.script = hears_enough
    async with asked(http, rate_hz=16_000) as events:
        path = f"/api/chat/{(await events.until('began'))['turn_id']}/sound"
        await http.post(f"{path}?position=0", content=SPEECH)
        await events.until("heard")
        late = await http.post(f"{path}?position={len(SPEECH)}", content=SPEECH)
        assert late.status_code in (204, 404)  # it may have been on its way; the turn may be over
        await events.until("ended")


async def test_where_nothing_was_understood_nothing_is_answered(http: httpx.AsyncClient, house: House) -> None:
    house.asr.script = writes_down("")
    async with asked(http, rate_hz=16_000) as events:
        path = f"/api/chat/{(await events.until('began'))['turn_id']}/sound"
        await http.post(f"{path}?position=0&last=true", content=b"")
        assert [name for name, _ in await events.rest()] == ["heard", "ended"]
    assert house.conversation.clients == house.tts.clients == []


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"voice": "anna"}, {"name": "anna"}),
        ({"language": "zh-TW"}, {"language": "zh-TW"}),
        ({"voice": "anna", "language": "en"}, {"name": "anna"}),
        ({}, None),
    ],
)
async def test_voice_and_language_are_as_chosen(
    http: httpx.AsyncClient, house: House, wish: dict[str, str], told: dict[str, str] | None
) -> None:
    async with asked(http, text="hello", **wish) as events:
        await events.rest()
    assert house.tts.clients[0].got[0].data.get("voice") == told
    assert house.conversation.clients[0].got[0].data.get("language") == wish.get("language")


async def test_a_silent_answer_asks_for_no_speech(http: httpx.AsyncClient, house: House) -> None:
    async with asked(http, text="hello", aloud=False) as events:
        names = [name for name, _ in await events.rest()]
    assert "sound" not in names
    assert house.tts.clients == []


async def test_an_apology_is_shown_and_spoken(http: httpx.AsyncClient, house: House) -> None:
    house.conversation.script = says(NotHandled("Sorry, I am still waking up."))
    async with asked(http, text="hello") as events:
        happened = await events.rest()
    assert ("piece", {"text": "Sorry, I am still waking up."}) in happened
    assert ("answered", {"handled": False}) in happened
    assert "sound" in events.seen


async def test_a_voice_that_fails_leaves_the_text(http: httpx.AsyncClient, house: House) -> None:
    house.tts.script = says(Error(text="unknown", code="voice-unknown"))
    async with asked(http, text="hello", voice="gone") as events:
        happened = dict(await events.rest())
    assert happened["answered"] == {"handled": True}
    assert (happened["failed"]["stage"], happened["failed"]["code"]) == ("speak", "voice-unknown")
    assert happened["failed"]["hint"]


async def test_what_was_answered_before_a_failure_is_still_spoken(http: httpx.AsyncClient, house: House) -> None:
    house.conversation.script = says(HandledStart(), HandledChunk("First. "), Error(text="broke", code="worker-failed"))
    async with asked(http, text="hello") as events:
        happened = await events.rest()
    assert next(data["stage"] for name, data in happened if name == "failed") == "think"
    assert "sound" in events.seen
    assert "answered" not in events.seen


async def test_a_server_that_is_away_is_named_with_its_stage(http: httpx.AsyncClient, house: House) -> None:
    async def hangs_up(client: Client) -> None:
        client.writer.transport.abort()

    house.asr.script = hangs_up
    async with asked(http, rate_hz=16_000) as events:
        failed = await events.until("failed")
        assert (failed["stage"], failed["code"]) == ("transcribe", "worker-unavailable")
        await events.until("ended")
    assert house.conversation.clients == []


async def test_a_command_that_is_handed_back_is_told(http: httpx.AsyncClient, house: House) -> None:
    """Without a token of Home Assistant the agent leaves commands to it; here nobody could carry them out."""
    house.conversation.script = says(Intent(name="HassTurnOn", entities=[], text="Done."))
    async with asked(http, text="light on") as events:
        assert (await events.until("failed"))["code"] == "home-assistant-needed"
        await events.until("ended")


async def test_the_voices_on_offer_are_those_that_can_speak(http: httpx.AsyncClient, house: House) -> None:
    def voice(name: str, description: str | None = None, *, installed: bool = True) -> TtsVoice:
        return TtsVoice(name, BY, installed, description, None, languages=["en"])

    programs = [
        TtsProgram("box", BY, True, None, None, voices=[voice("anna", "Anna"), voice("gone", installed=False)]),
        TtsProgram("same", BY, True, None, None, voices=[voice("anna", "Other"), voice("joe")]),
        TtsProgram("off", BY, False, None, None, voices=[voice("none")]),
    ]

    async def describes(client: Client) -> None:
        while (event := await client.next()) is not None and Describe.is_type(event.type):
            await client.say(Info(tts=programs))

    house.tts.script = describes
    offer = (await http.get("/api/chat")).json()
    assert [(each["name"], each["title"]) for each in offer["voices"]] == [("anna", "Anna"), ("joe", "joe")]
    assert offer["languages"] == ["en", "zh-TW"]


async def test_nobody_without_the_token_talks(stranger: httpx.AsyncClient) -> None:
    for method, path in (("GET", ""), ("POST", ""), ("POST", f"/{'0' * 32}/sound")):
        assert (await stranger.request(method, f"/api/chat{path}")).status_code == 401


async def test_the_turn_comes_as_the_history_has_it(
    http: httpx.AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # of `no_history`
    async with asked(http, text="hello", conversation_id="c-1") as events:
        await events.until("began")
        await events.until("ended")
        at = 4e9  # after the question, whatever the clock says

        def stage(kind: Any, first_s: float, **more: Any) -> Stage:
            return Stage(
                id=kind,
                kind=kind,
                connection_id="c",
                started_at=at,
                first_output_at=at + first_s,
                ended_at=at + 3,
                **more,
            )

        thought = stage("think", 0.5, worker="qwen")
        part = Turn(id="t", started_at=at, conversation_id="c-1", stages=(thought,))
        other = dataclasses.replace(part, id="o", conversation_id="c-2", stages=(thought, stage("speak", 9)))
        older = dataclasses.replace(part, id="e", started_at=1.0, stages=(thought, stage("speak", 9)))
        whole = dataclasses.replace(part, stages=(thought, stage("speak", 1.25, degraded="espeak: piper is away")))
        for turns in ((part,), (other, older), (whole,)):
            house.feed.put(TurnsChanged(turns, frozenset()))
        recorded = await events.until("recorded")
    assert recorded["turn"]["id"] == "t"
    assert [each["worker"] for each in recorded["turn"]["stages"]] == ["qwen", None]
    assert recorded["times"] == {"transcript_ms": None, "first_word_ms": 500.0, "first_sound_ms": 1250.0}
