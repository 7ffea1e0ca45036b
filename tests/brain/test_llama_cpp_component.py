"""Home Assistant's own llama_cpp component talks to the door.

AVATAR_HA_PYTHON is the command of a Python that has Home Assistant (2026.11 or newer) and openai installed.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
from pathlib import Path

import pytest
from brain_harness.acting_llm import Call
from brain_harness.door_client import KEY, DoorClient

SCRIPT = Path(__file__).parent / "brain_harness/llama_cpp_client.py"


async def test_the_component_sets_up_calls_a_tool_and_streams_the_answer(door: DoorClient) -> None:
    command = os.environ.get("AVATAR_HA_PYTHON")
    if not command:
        pytest.skip("set AVATAR_HA_PYTHON to a Python with Home Assistant and openai installed")
    door.brain.llm.answers += [["Paris"], ["Paris"], [Call("HassTurnOn", {"name": "Floor lamp"})], ["It ", "is on."]]
    door.brain.llm.answers += [["It is on."]]
    process = await asyncio.create_subprocess_exec(
        *shlex.split(command), "-c", SCRIPT.read_text("utf-8"), door.url, KEY, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert json.loads(out) == {
        "models": ["avatar"],
        "calls": [["HassTurnOn", {"name": "Floor lamp"}]],
        "streamed": "It is on.",
        "whole": "It is on.",
        "refused": "invalid_auth",
    }
