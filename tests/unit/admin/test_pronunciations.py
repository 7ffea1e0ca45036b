"""`/api/pronunciations` and `/api/speech`."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from avatar_appliance.errors import WorkerUnavailable
from avatar_appliance.pronunciations import PronunciationFile, pronunciations_path
from avatar_appliance.speech.client import speech_figures


async def test_a_pronunciation_is_set_changed_listed_and_removed(client: httpx.AsyncClient, tmp_path: Path) -> None:
    assert (await client.get("/api/pronunciations")).json() == {"items": []}
    nguyen = {"word": "Nguyen", "say": "win", "language": "en"}
    made = await client.put("/api/pronunciations", json=nguyen)
    assert (made.status_code, made.json()) == (201, nguyen)
    changed = await client.put("/api/pronunciations", json={**nguyen, "word": " nguyen ", "say": "nwin"})
    assert changed.status_code == 200
    any_language: dict[str, str | None] = {"word": "重慶北路", "say": "蟲慶北路", "language": None}
    await client.put("/api/pronunciations", json=any_language)
    kept: list[dict[str, str | None]] = [{"word": "nguyen", "say": "nwin", "language": "en"}, any_language]
    assert (await client.get("/api/pronunciations")).json() == {"items": kept}
    # The text-to-speech server reads the file.
    entries = PronunciationFile(pronunciations_path(tmp_path / "state")).entries
    assert [(entry.word, entry.say, entry.language) for entry in entries] == [tuple(one.values()) for one in kept]
    gone = await client.delete("/api/pronunciations", params={"word": "NGUYEN", "language": "en"})
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await client.delete("/api/pronunciations", params={"word": "NGUYEN"})).status_code == 404
    assert (await client.get("/api/pronunciations")).json() == {"items": [any_language]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"word": "", "say": "a"},
        {"word": "...", "say": "a"},
        {"word": "a", "say": " "},
        {"word": "a" * 81, "say": "a"},
        {"word": "a", "say": "a" * 201},
        {"word": "a\nb", "say": "a"},
        {"word": "a", "say": "b", "language": "english please"},
        {"word": "a", "say": "b", "tone": "warm"},
        {"word": "a"},
        {"word": 5, "say": "b"},
    ],
)
async def test_what_can_be_no_pronunciation_is_refused(client: httpx.AsyncClient, wrong: dict[str, object]) -> None:
    answer = await client.put("/api/pronunciations", json=wrong)
    assert (answer.status_code, answer.json()["code"]) in ((422, "pronunciation-refused"), (400, "bad-request"))
    assert (await client.get("/api/pronunciations")).json() == {"items": []}


@pytest.mark.parametrize("path", ["/api/pronunciations", "/api/speech"])
async def test_both_want_the_owners_token(stranger: httpx.AsyncClient, path: str) -> None:
    assert (await stranger.get(path)).status_code == 401


async def test_the_shares_of_what_was_of_use_are_told(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/speech")).json() == {
        "cache": {"hits": 3, "misses": 1, "hit_rate": 0.75, "entries": 2, "size_bytes": 1000, "limit_bytes": 2000},
        "ahead_of_time": {"enabled": True, "answers": 4, "made": 8, "used": 6, "wasted": 2, "used_rate": 0.75},
    }


async def test_without_a_text_to_speech_server_there_are_no_figures(tmp_path: Path) -> None:
    with pytest.raises(WorkerUnavailable):
        await speech_figures(tmp_path)
