"""A small client of Home Assistant's own API: WebSocket commands and the config flow routes."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect

from avatar_appliance.client import WavAudio

CHUNK_S = 0.02


@dataclass
class PipelineRun:
    """What a run of an Assist pipeline gave: events with seconds since the first sample was sent."""

    events: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)

    def data(self, kind: str) -> dict[str, Any]:
        """Return the data of the first event of a kind; empty if there was none."""
        return next((data for _, name, data in self.events if name == kind), {})

    def at(self, kind: str) -> float:
        """Return when the first event of a kind came."""
        return next(at for at, name, _ in self.events if name == kind)


class HomeAssistant:
    """One connection, made with a long-lived access token."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._numbers = itertools.count(1)
        self._socket: ClientConnection | None = None
        self.http = httpx.AsyncClient(
            base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
        )

    async def __aenter__(self) -> Self:
        socket = await connect(self.url.replace("http", "ws", 1) + "/api/websocket", max_size=2**24, proxy=None)
        await socket.recv()
        await socket.send(json.dumps({"type": "auth", "access_token": self._token}))
        answer = json.loads(await socket.recv())
        assert answer["type"] == "auth_ok", "Home Assistant refused AVATAR_HA_TOKEN"
        self._socket = socket
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._socket is not None
        await self._socket.close()
        await self.http.aclose()

    async def command(self, kind: str, **fields: Any) -> Any:
        """Send a WebSocket command and return its result."""
        number = await self._send(kind, fields)
        while (message := await self._receive())["id"] != number or message["type"] != "result":
            pass
        assert message["success"], message["error"]
        return message["result"]

    async def post(self, path: str, **fields: Any) -> Any:
        """POST JSON to a route and return the JSON answer."""
        response = await self.http.post(path, json=fields)
        response.raise_for_status()
        return response.json()

    async def flows(self) -> list[dict[str, Any]]:
        """Return the discovered Wyoming services that wait for the owner."""
        found = await self.command("config_entries/flow/progress")
        return [flow for flow in found if flow["handler"] == "wyoming"]

    async def run_pipeline(
        self, pipeline: str, audio: WavAudio, *, conversation_id: str | None = None, silence_s: float = 2.0
    ) -> PipelineRun:
        """Speak `audio` (16 kHz mono) at microphone pace, then silence, and return every event of the run."""
        fields: dict[str, Any] = {
            "start_stage": "stt",
            "end_stage": "tts",
            "input": {"sample_rate": 16_000},
            "pipeline": pipeline,
            "conversation_id": conversation_id,
        }
        number = await self._send("assist_pipeline/run", fields)
        run, began, sending = PipelineRun(), time.monotonic(), None
        try:
            async with asyncio.timeout(120):
                while True:
                    message = await self._receive()
                    if message.get("id") != number:
                        continue
                    if message["type"] == "result":
                        assert message["success"], message["error"]
                        continue
                    kind, data = message["event"]["type"], message["event"].get("data") or {}
                    run.events.append((time.monotonic() - began, kind, data))
                    if kind == "run-start":
                        handler = data["runner_data"]["stt_binary_handler_id"]
                        pcm = audio.pcm + bytes(int(silence_s * 32_000))
                        sending = asyncio.create_task(self._speak(handler, pcm))
                        began = time.monotonic()
                    elif kind == "run-end":
                        return run
        finally:
            if sending is not None:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)

    async def _speak(self, handler: int, pcm: bytes) -> None:
        assert self._socket is not None
        step, began = int(32_000 * CHUNK_S), time.monotonic()
        for start in range(0, len(pcm), step):
            await asyncio.sleep(max(0.0, began + start / 32_000 - time.monotonic()))
            await self._socket.send(bytes([handler]) + pcm[start : start + step])
        await self._socket.send(bytes([handler]))

    async def _send(self, kind: str, fields: dict[str, Any]) -> int:
        assert self._socket is not None
        number = next(self._numbers)
        await self._socket.send(json.dumps({"id": number, "type": kind, **fields}))
        return number

    async def _receive(self) -> dict[str, Any]:
        assert self._socket is not None
        return dict(json.loads(await self._socket.recv()))
