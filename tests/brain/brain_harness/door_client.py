"""The OpenAI-compatible door on a port of its own, and a client."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from avatar_appliance.config import Settings
from brain_harness.brain import Brain
from wyoming_servers.conversation.agent import Agent
from wyoming_servers.openai_door import Door

KEY = "a-key-of-some-length"


class DoorClient:
    """Asks as the clients of OpenAI do."""

    def __init__(self, brain: Brain, http: httpx.AsyncClient, url: str, state_dir: Path) -> None:
        self.brain = brain
        self.http = http
        self.url = url
        self.state_dir = state_dir

    async def chat(self, *messages: Any, **fields: Any) -> httpx.Response:
        """Ask; a string is what the user says."""
        said = [{"role": "user", "content": m} if isinstance(m, str) else m for m in messages]
        return await self.http.post("chat/completions", json={"model": "avatar", "messages": said, **fields})

    async def message(self, *messages: Any, **fields: Any) -> dict[str, Any]:
        """Ask, and return the message of the answer."""
        response = await self.chat(*messages, **fields)
        assert response.status_code == 200, response.text
        message: dict[str, Any] = response.json()["choices"][0]["message"]
        return message

    async def stream(self, *messages: Any, **fields: Any) -> list[dict[str, Any]]:
        """Ask, and return the events of the stream; the last one must be the end."""
        response = await self.chat(*messages, stream=True, **fields)
        assert response.headers["content-type"].startswith("text/event-stream"), response.text
        lines = [line.removeprefix("data: ") for line in response.text.split("\n") if line]
        assert lines[-1] == "[DONE]"
        return [json.loads(line) for line in lines[:-1]]


def text_of(events: list[dict[str, Any]]) -> str:
    """Return the text of a stream."""
    return "".join(e["choices"][0]["delta"].get("content") or "" for e in events if e["choices"])


@contextlib.asynccontextmanager
async def opened_door(brain: Brain, key: str = KEY) -> AsyncIterator[DoorClient]:
    """Open a door to the brain of a conversation server."""
    served = await brain.served()
    agent: Agent = served.server.handler._agent  # type: ignore[attr-defined]
    state_dir = brain.planes.runtime_dir / "state"
    settings = Settings.from_sources(
        {
            "host": "127.0.0.1",
            "conversation": {"openai_token": key},
            "limits": {"request_timeout_s": 5, "max_turns": 2, "drain_s": 0},
            "paths": {"state_dir": str(state_dir), "runtime_dir": str(brain.planes.runtime_dir)},
        },
        {},
    )
    async with Door(settings, agent, brain.planes.recorder).open(0) as port:
        url = f"http://127.0.0.1:{port}/v1"
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=f"{url}/", headers=headers, trust_env=False, timeout=10) as http:
            yield DoorClient(brain, http, url, state_dir)
