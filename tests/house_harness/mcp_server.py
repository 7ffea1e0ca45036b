"""The MCP server of the test house, made with the official library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mcp import types
from mcp.server import Server, ServerRequestContext

from wyoming_servers.house.house_prompt import states_as_data

from .faults import Faults
from .house_state import HouseState

TOOLS_FILE = Path(__file__).parents[1] / "data" / "assist_tools.json"
DEVICE_META = "io.home-assistant/device_id"


def make_mcp_server(house: HouseState, faults: Faults, seen: list[str]) -> Server[Any]:
    """Return the server; `seen` collects the methods it is asked."""
    recorded = json.loads(TOOLS_FILE.read_text("utf-8"))

    async def list_tools(
        ctx: ServerRequestContext[Any], params: types.PaginatedRequestParams | None = None
    ) -> types.ListToolsResult:
        seen.append("tools/list")
        rows = [*recorded, *({**recorded[0], "name": f"script__extra_{n}"} for n in range(faults.extra_tools))]
        page = 40
        start = int(params.cursor) if params is not None and params.cursor else 0
        following = str(start + page) if start + page < len(rows) else None
        return types.ListToolsResult(tools=[_tool(row) for row in rows[start : start + page]], next_cursor=following)

    async def call_tool(ctx: ServerRequestContext[Any], params: types.CallToolRequestParams) -> types.CallToolResult:
        seen.append(params.name)
        if params.name in faults.hanging_tools:
            await faults.released.wait()
        arguments = params.arguments or {}
        device_id = ctx.meta.get(DEVICE_META) if ctx.meta else None
        if params.name == "homeassistant__GetLiveContext":
            household = house.household
            return _answer({"result": states_as_data(household, household.layout.entities, "en")})
        if "__Hass" not in params.name:
            return _answer({"error": "unknown"}, failed=True)
        answer = house.run(params.name.partition("__")[2], arguments, device_id)
        if answer["response_type"] == "error":
            text = f"Error calling tool: No entities matched the name (given name '{arguments.get('name')}')"
            return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)
        return _answer(answer)

    return Server("home-assistant", on_list_tools=list_tools, on_call_tool=call_tool)


def _tool(row: dict[str, Any]) -> types.Tool:
    return types.Tool(
        name=row["name"],
        description=row["description"],
        input_schema=row["inputSchema"],
        annotations=types.ToolAnnotations(read_only_hint=row["readOnly"]),
    )


def _answer(data: dict[str, Any], *, failed: bool = False) -> types.CallToolResult:
    text = json.dumps(data, ensure_ascii=False)
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=failed)
