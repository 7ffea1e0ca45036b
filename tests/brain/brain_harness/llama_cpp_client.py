"""Run inside a Home Assistant's Python: its own llama_cpp component talks to a door. Prints one JSON object.

Arguments: base URL, key. The second question calls a tool, whose result goes back as the component writes it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import openai
from homeassistant.components.conversation import AssistantContent, ToolResultContent
from homeassistant.components.llama_cpp.api import async_list_models, async_validate_completions
from homeassistant.components.llama_cpp.entity import _convert_content_to_param, _transform_response, _transform_stream
from homeassistant.exceptions import HomeAssistantError

TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "HassTurnOn",
            "description": "Turns on",
            "parameters": {"type": "object", "properties": {"name": {"type": "string"}}},
        },
    }
]


async def main(url: str, key: str) -> dict[str, Any]:
    client = openai.AsyncOpenAI(api_key=key, base_url=url, max_retries=0)
    found: dict[str, Any] = {"models": await async_list_models(client)}
    for stream in (False, True):
        await async_validate_completions(client, found["models"][0], stream=stream)
    messages: list[Any] = [
        {"role": "system", "content": "You are a voice assistant for Home Assistant."},
        {"role": "user", "content": "make it cosy please"},
    ]

    async def ask(stream: bool) -> list[Any]:
        result: Any = await client.chat.completions.create(
            messages=messages, model="avatar", tools=TOOLS, max_tokens=3000, top_p=1.0, temperature=0.7,
            user="01JD000000000000000000000A", stream=stream,
        )  # fmt: skip
        deltas = _transform_stream(result) if stream else _transform_response(result.choices[0].message)
        return [delta async for delta in deltas]

    deltas = await ask(stream=True)
    calls = [call for delta in deltas for call in delta.get("tool_calls") or []]
    found["calls"] = [(call.tool_name, call.tool_args) for call in calls]
    said = AssistantContent(agent_id="x", content=None, tool_calls=calls)
    messages.append(_convert_content_to_param(said))
    for call in calls:
        messages.append(_result(call))
    found["streamed"] = "".join(delta.get("content") or "" for delta in await ask(stream=True))
    found["whole"] = "".join(delta.get("content") or "" for delta in await ask(stream=False))
    try:
        await async_list_models(openai.AsyncOpenAI(api_key="wrong", base_url=url, max_retries=0))
    except HomeAssistantError as error:
        found["refused"] = error.translation_key
    return found


def _result(call: Any) -> Any:
    from homeassistant.helpers import llm

    result = llm.ToolResult(data={"success": True})
    content = ToolResultContent(agent_id="x", tool_call_id=call.id, tool_name=call.tool_name, result=result)
    return _convert_content_to_param(content)


print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
