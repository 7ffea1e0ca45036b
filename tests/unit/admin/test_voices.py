"""`/api/voices`: profiles over HTTP, and what no file may leave behind."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from avatar_appliance.admin.app import create_app
from avatar_appliance.admin.dependencies import AdminDependencies
from avatar_appliance.admin.token import OwnerToken
from avatar_appliance.store import Store

sys.path.insert(0, str(Path(__file__).parents[2]))  # for `voice_harness`

from voice_harness.house import CONSENT, VoiceHouse, good
from voice_harness.recordings import film, speech, wav, with_header_of

FIELDS = {"name": "Anna", "languages": ["en-GB"], "consent": CONSENT}
MAX_UPLOAD_BYTES = 12 * 2**20


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[VoiceHouse]:
    async with VoiceHouse.open(tmp_path / "house") as opened:
        yield opened


@pytest.fixture
def app(store: Store, owner: OwnerToken, system: Any, coordinator: Any, house: VoiceHouse) -> FastAPI:
    return create_app(
        AdminDependencies(
            store=store, token=owner, system=system, coordinator=coordinator, voices=house.voices,
            max_upload_bytes=MAX_UPLOAD_BYTES,
        )
    )  # fmt: skip


async def post(
    client: httpx.AsyncClient, recording: bytes | None = None, name: str = "r.wav", **fields: Any
) -> httpx.Response:
    file = (name, good() if recording is None else recording, "audio/wav")
    return await client.post(
        "/api/voices", data={"profile": json.dumps({**FIELDS, **fields})}, files={"recording": file}
    )


async def ready(client: httpx.AsyncClient, house: VoiceHouse, **fields: Any) -> dict[str, Any]:
    made = await post(client, **fields)
    assert made.status_code == 201, made.text
    await house.until(made.json()["id"], "ready")
    answer = await client.get(f"/api/voices/{made.json()['id']}")
    voice: dict[str, Any] = answer.json()
    return voice


async def test_nobody_without_the_token_comes_near_a_voice(stranger: httpx.AsyncClient) -> None:
    for method, path in (("GET", ""), ("POST", ""), ("GET", "/anna/reference.wav"), ("DELETE", "/anna")):
        assert (await stranger.request(method, f"/api/voices{path}")).status_code == 401


async def test_a_profile_is_made_shown_and_deleted(client: httpx.AsyncClient, house: VoiceHouse) -> None:
    made = await post(client)
    assert made.status_code == 201
    assert (made.json()["id"], made.json()["state"]) == ("anna", "recorded")
    await house.until("anna", "ready")
    listed = (await client.get("/api/voices")).json()
    assert listed["cloners"] == [{"worker": "parrot", "engine": "f5-tts", "tier": "fast", "languages": ["zh", "en"]}]
    assert listed["reason"] is None
    [voice] = listed["items"]
    assert voice["is_voice"]
    assert voice["trial"]["score"] == 100
    assert voice["consent"]["given_by"] == "Anna"
    assert voice["measurements"]["sample_rate_hz"] == 44100
    for remark in voice["remarks"]:
        assert remark["text"]["en"]
        assert remark["text"]["zh-TW"]
    assert (await client.delete("/api/voices/anna")).status_code == 204
    assert (await client.get("/api/voices/anna")).status_code == 404
    assert (await client.get("/api/voices")).json()["items"] == []
    assert house.left == []


async def test_a_profile_is_changed_field_by_field(client: httpx.AsyncClient, house: VoiceHouse) -> None:
    await ready(client, house)
    changed = await client.patch("/api/voices/anna", json={"name": "媽媽", "languages": ["zh-TW", "en"], "speed": 1.1})
    assert changed.status_code == 200
    assert (changed.json()["name"], changed.json()["languages"], changed.json()["version"]) == (
        "媽媽",
        ["zh-TW", "en"],
        2,
    )
    assert (await client.post("/api/voices/anna/default")).json()["is_default"]
    gone = (await client.patch("/api/voices/anna", json={"consent": None})).json()
    assert (gone["is_voice"], gone["reason"]["code"]) == (False, "no-consent")
    assert "同意" in gone["reason"]["text"]["zh-TW"]
    assert house.index == ()


@pytest.mark.parametrize(
    "change",
    [{"name": ""}, {"languages": []}, {"languages": ["not a tag!"]}, {"speed": 9}, {"tier": "best"}, {"id": "x"},
     {"name": "a\nb"}, {"consent": {"given_by": "Anna"}}, {"transcript": "x" * 1001}],
)  # fmt: skip
async def test_a_change_out_of_bounds_is_refused(
    client: httpx.AsyncClient, house: VoiceHouse, change: dict[str, Any]
) -> None:
    before = await ready(client, house)
    refused = await client.patch("/api/voices/anna", json=change)
    assert refused.status_code == 400
    assert refused.json()["code"] == "bad-request"
    assert (await client.get("/api/voices/anna")).json() == before


async def test_another_recording_and_another_check(client: httpx.AsyncClient, house: VoiceHouse) -> None:
    await ready(client, house)
    shorter = wav(speech()[: 44_100 * 7])
    put = await client.put(
        "/api/voices/anna/recording", files={"recording": ("r", shorter)}, data={"transcript": house.workers.heard}
    )
    assert put.status_code == 200
    assert put.json()["version"] == 2
    await house.until("anna", "ready")
    assert (await client.post("/api/voices/anna/check")).status_code == 202
    await house.until("anna", "ready")


async def test_the_reference_can_be_heard(client: httpx.AsyncClient, house: VoiceHouse) -> None:
    await ready(client, house)
    answer = await client.get("/api/voices/anna/reference.wav")
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.content[:4] == b"RIFF"
    assert len(answer.content) == int(answer.headers["content-length"])


async def test_a_profile_is_exported_and_imported(client: httpx.AsyncClient, house: VoiceHouse) -> None:
    await ready(client, house)
    exported = await client.get("/api/voices/anna/export")
    assert exported.headers["content-type"] == "application/zip"
    assert 'filename="anna.avatar-voice.zip"' in exported.headers["content-disposition"]
    again = await client.post("/api/voices/import", files={"archive": ("../../evil.zip", exported.content)})
    assert again.status_code == 201
    assert again.json()["id"] == "anna-2"
    bad = await client.post("/api/voices/import", files={"archive": ("a.zip", b"no archive")})
    assert (bad.status_code, bad.json()["code"]) == (422, "voice-archive-invalid")


REFUSED = {
    "empty": (b"", "empty-file"),
    "4 GB header": (with_header_of(good()[:4096], 0xFFFFFFF0), "cut-off"),
    "video": (film(), "video"),
    "text renamed to .wav": (b"Dear diary, today I said nothing.\n" * 50, "not-audio"),
    "8 kHz mono phone audio": (wav(speech(8_000), 8_000), "telephone"),
    "silence": (wav(speech()[: 5 * 44_100] * 0), "silent"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_a_bad_file_is_refused_clearly_and_leaves_nothing(
    client: httpx.AsyncClient, house: VoiceHouse, what: str
) -> None:
    recording, code = REFUSED[what]
    refused = await post(client, recording)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert problem["code"] == "recording-refused"
    assert code in [remark["code"] for remark in problem["remarks"] if remark["severity"] == "refused"]
    assert problem["detail"]
    assert problem["hint"]
    assert (await client.get("/api/voices")).json()["items"] == []
    assert house.left == []


async def test_ten_minutes_are_refused(client: httpx.AsyncClient, house: VoiceHouse) -> None:
    refused = await post(client, wav(np.resize(speech(8_000), 600 * 8_000), 8_000))
    assert refused.status_code == 422
    assert [remark["code"] for remark in refused.json()["remarks"]] == ["too-long"]
    assert house.left == []


async def test_a_body_beyond_the_bound_is_refused_announced_or_not(
    client: httpx.AsyncClient, house: VoiceHouse
) -> None:
    large = wav(speech())
    large += bytes(MAX_UPLOAD_BYTES)
    announced = await post(client, large)
    assert (announced.status_code, announced.json()["code"]) == (413, "request-too-large")

    async def chunks() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="recording"; filename="x"\r\n\r\n'
        for _ in range(13):
            yield bytes(2**20)

    streamed = await client.post(
        "/api/voices", content=chunks(), headers={"Content-Type": "multipart/form-data; boundary=b"}
    )
    assert streamed.status_code == 413
    other = await client.patch("/api/voices/anna", content=b"{" + b" " * 2**17)
    assert other.status_code == 413
    assert house.left == []


@pytest.mark.parametrize(
    "name", ["../../../etc/cron.d/evil", "/etc/passwd", "..\\..\\x.wav", "a\x00b.wav", ".", "con.wav"]
)
async def test_the_name_of_a_file_means_nothing(client: httpx.AsyncClient, house: VoiceHouse, name: str) -> None:
    made = await post(client, name=name)
    assert made.status_code == 201
    assert made.json()["id"] == "anna"
    await house.until("anna", "ready")
    assert [path.split("/")[0] for path in house.left] == ["anna", "anna"]


@pytest.mark.parametrize(
    "path", ["/api/voices/..%2f..%2fetc", "/api/voices/%2e%2e/reference.wav", "/api/voices/Anna", "/api/voices/a.b"]
)
async def test_an_id_that_is_none_leads_nowhere(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code in (400, 404)


@pytest.mark.parametrize(
    "profile", ["", "{", "[]", '{"name": "Anna"}', '{"name": "Anna", "languages": ["en"], "state": "ready"}']
)
async def test_a_form_that_says_too_little_or_too_much_is_refused(
    client: httpx.AsyncClient, house: VoiceHouse, profile: str
) -> None:
    refused = await client.post("/api/voices", data={"profile": profile}, files={"recording": ("r", good())})
    assert refused.status_code == 400
    assert house.left == []


async def test_without_a_cloning_worker_the_list_says_why(
    tmp_path: Path, store: Store, owner: OwnerToken, token: str, system: Any
) -> None:
    async with VoiceHouse.open(tmp_path / "small", clones=False) as small:
        app = create_app(AdminDependencies(store=store, token=owner, system=system, voices=small.voices))
        transport = httpx.ASGITransport(app=app)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
            assert (await client.get("/api/voices")).json()["reason"]["code"] == "no-cloning-worker"
            made = await post(client)
            await small.until(made.json()["id"], "kept")
            voice = (await client.get("/api/voices/anna")).json()
            assert not voice["is_voice"]
            assert voice["reason"]["code"] == "no-cloning-worker"


async def test_words_stay_out_of_the_log(
    client: httpx.AsyncClient, house: VoiceHouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await ready(client, house, transcript=house.workers.heard)
    await client.patch("/api/voices/anna", json={"transcript": "Twinkle twinkle little star"})
    await house.until("anna", "refused")
    assert "Americans" not in caplog.text
    assert "Twinkle" not in caplog.text
