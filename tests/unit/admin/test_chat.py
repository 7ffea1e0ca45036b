"""`/api/chat`: a turn over real sockets, between a browser and three Wyoming servers that do what the test says."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.handle import Handled, HandledChunk, HandledStart, NotHandled
from wyoming.info import Attribution, Describe, Info, TtsProgram, TtsVoice
from wyoming.intent import Intent
from wyoming.tts import SynthesizeStopped

from avatar_appliance.admin.server import AdminServer, serve
from avatar_appliance.chat import chat as chat_module
from avatar_appliance.chat import pace
from avatar_appliance.chat import turn as turn_module
from avatar_appliance.store import Stage, Turn
from avatar_appliance.turns.joiner import TurnsChanged

from .chat_house import RATE_HZ, SPEECH, House, answers, never, says, writes_down
from .fake_servers import Client, FakeServer

PATIENCE_S = 20
BY = Attribution(name="test", url="")


class Events:
    """Reads a turn off its response."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()
        self.seen: list[str] = []

    async def next(self) -> tuple[str, dict[str, Any]]:
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_S):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                fields[name] = value
                if not line and "event" in fields:
                    self.seen.append(fields["event"])
                    return fields["event"], json.loads(fields["data"])
        raise EOFError

    async def until(self, name: str) -> dict[str, Any]:
        """Return the data of the next event of that name."""
        while (event := await self.next())[0] != name:
            pass
        return event[1]

    async def rest(self) -> list[tuple[str, dict[str, Any]]]:
        """Return everything up to the end of the turn."""
        events = []
        with contextlib.suppress(EOFError):
            while True:
                events.append(await self.next())
        return events


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with House.open() as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests have nobody who takes the turn down, and nobody who waits for that."""

    async def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(turn_module, "recorded", nothing)


@pytest.fixture
async def server(app: FastAPI, house: House) -> AsyncIterator[AdminServer]:
    app.state.dependencies = dataclasses.replace(app.state.dependencies, chat=house.chat)
    async with serve(app, "127.0.0.1", 0) as running:
        yield running


@pytest.fixture
async def http(server: AdminServer, token: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=PATIENCE_S
    ) as client:
        yield client


@contextlib.asynccontextmanager
async def asked(http: httpx.AsyncClient, **question: Any) -> AsyncIterator[Events]:
    async with http.stream("POST", "/api/chat", json=question) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Events(response)


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


@pytest.mark.parametrize("stage", ["asr", "conversation", "tts"])
async def test_hanging_up_ends_the_work_of_whoever_is_at_it(http: httpx.AsyncClient, house: House, stage: str) -> None:
    at_it: FakeServer = getattr(house, stage)
    at_it.script = never
    question = {"rate_hz": 16_000} if stage == "asr" else {"text": "tell me everything"}
    async with asked(http, **question) as events:
        await events.until("began")
        async with asyncio.timeout(PATIENCE_S):
            await at_it.called.wait()
        assert not at_it.hung_up.is_set()
    async with asyncio.timeout(PATIENCE_S):
        await at_it.hung_up.wait()


async def test_sound_that_is_ahead_waits_at_the_server_that_makes_it(http: httpx.AsyncClient, house: House) -> None:
    """Neither the control plane nor the page keeps an hour of it."""
    sent = 0

    async def floods(client: Client) -> None:
        nonlocal sent
        await client.until("synthesize-chunk")
        await client.say(AudioStart(RATE_HZ, 2, 1))
        while sent < 3000:  # of a second each, 144 MB
            await client.say(AudioChunk(RATE_HZ, 2, 1, bytes(2 * RATE_HZ)))
            sent += 1

    house.tts.script = floods
    async with asked(http, text="hello") as events:
        for _ in range(int(pace.LEAD_S)):
            await events.until("sound")
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.5)
        assert sent < 1000
    async with asyncio.timeout(PATIENCE_S):
        await house.tts.hung_up.wait()


async def test_only_so_many_turns_at_once_and_the_place_of_one_that_left_is_free(
    http: httpx.AsyncClient, house: House
) -> None:
    house.conversation.script = never
    async with contextlib.AsyncExitStack() as stack:
        turns = [await stack.enter_async_context(asked(http, text="hello")) for _ in range(chat_module.MOST_TURNS)]
        for events in turns:
            await events.until("began")
        refused = await http.post("/api/chat", json={"text": "hello"})
        assert (refused.status_code, refused.json()["code"]) == (503, "server-full")
    house.conversation.script = answers("Done.")
    async with asyncio.timeout(PATIENCE_S):
        while (free := await http.post("/api/chat", json={"text": "hello", "aloud": False})).status_code == 503:
            await asyncio.sleep(0.01)
    assert free.status_code == 200


async def test_a_server_that_stops_ends_its_turns(server: AdminServer, http: httpx.AsyncClient, house: House) -> None:
    house.conversation.script = never
    async with asked(http, text="hello") as events:
        await events.until("began")
        stopping = asyncio.create_task(server.stop())
        assert await events.rest() == []
        await stopping
    async with asyncio.timeout(PATIENCE_S):
        await house.conversation.hung_up.wait()


async def test_a_turn_has_an_end(http: httpx.AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn_module, "MOST_TURN_S", 0.05)
    house.conversation.script = never
    async with asked(http, text="hello") as events:
        assert (await events.until("failed"))["code"] == "deadline-exceeded"
        await events.until("ended")
    async with asyncio.timeout(PATIENCE_S):
        await house.conversation.hung_up.wait()


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"text": " "},
        {"text": "x" * 2001},
        {"text": "x", "rate_hz": 16_000},
        {"rate_hz": 96_000},
        {"text": "x", "conversation_id": "a b"},
        {"text": "x", "language": "../en"},
        {"text": "x", "more": 1},
    ],
)
async def test_what_cannot_be_asked_is_refused(http: httpx.AsyncClient, house: House, question: dict[str, Any]) -> None:
    answer = await http.post("/api/chat", json=question)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")
    assert house.conversation.clients == []


async def test_sound_that_does_not_fit_is_refused(http: httpx.AsyncClient, house: House) -> None:
    house.asr.script = never
    async with asked(http, rate_hz=8000) as events:
        path = f"/api/chat/{(await events.until('began'))['turn_id']}/sound"
        gap = await http.post(f"{path}?position=2", content=bytes(2))
        half = await http.post(f"{path}?position=0", content=bytes(3))
        large = await http.post(f"{path}?position=0", content=bytes(65 * 1024))
        assert [each.json()["code"] for each in (gap, half, large)] == [
            "sound-missing", "bad-request", "request-too-large",
        ]  # fmt: skip
        position = 0
        codes: list[str] = []
        while not codes:
            piece = await http.post(f"{path}?position={position}", content=bytes(60_000))
            position += 60_000
            codes += [piece.json()["code"]] if piece.status_code != 204 else []
        assert codes == ["audio-too-long"]
        assert position <= 45 * 8000 * 2 + 60_000


async def test_sound_for_no_turn_is_refused(http: httpx.AsyncClient, house: House) -> None:
    nowhere = await http.post(f"/api/chat/{'0' * 32}/sound?position=0", content=b"")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "turn-over")
    house.conversation.script = never
    async with asked(http, text="typed") as events:
        path = f"/api/chat/{(await events.until('began'))['turn_id']}/sound?position=0"
        assert (await http.post(path, content=b"")).status_code == 400


async def test_a_browser_that_stops_sending_is_not_waited_for(
    http: httpx.AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avatar_appliance.chat.utterance.STALL_S", 0.05)
    house.asr.script = never
    async with asked(http, rate_hz=16_000) as events:
        failed = await events.until("failed")
        assert (failed["stage"], failed["code"]) == ("transcribe", "deadline-exceeded")


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
