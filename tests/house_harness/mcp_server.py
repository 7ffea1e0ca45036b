"""The MCP server of the test house, made with the official library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from mcp import types
from mcp.server import Server, ServerRequestContext

from .faults import Faults
from .house_state import HouseState

TOOLS_FILE = Path(__file__).parents[1] / "data" / "assist_tools.json"
SHOWN_ATTRIBUTES = (
    "unit_of_measurement", "device_class", "temperature", "current_temperature", "brightness", "position",
    "volume_level", "percentage",
)  # fmt: skip
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
            return _answer({"success": True, "result": _live_context(house, arguments)})
        intent = params.name.partition("__")[2]
        if params.name.startswith("script__"):
            intent, arguments = "HassTurnOn", {"name": params.name.replace("__", ".", 1)}
        elif not intent.startswith("Hass"):
            return _answer({"error": "unknown"}, failed=True)
        answer = house.run(intent, arguments, device_id)
        if answer["response_type"] == "error":
            text = f"Error calling tool: No entities matched the name (given name '{arguments.get('name')}')"
            return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)
        return _answer(answer)

    return Server("home-assistant", on_list_tools=list_tools, on_call_tool=call_tool)


def _live_context(house: HouseState, arguments: Mapping[str, Any]) -> str:
    """As Home Assistant writes it: YAML, names and states as they are, whatever they say."""
    household = house.household
    area = household.layout.area_named(str(arguments["area"])) if arguments.get("area") else None
    wanted = str(arguments.get("name") or "").casefold()
    domains = arguments.get("domain") or []
    rows = []
    for entity in household.layout.entities:
        named = not wanted or wanted in (name.casefold() for name in entity.names)
        of_kind = not domains or entity.domain in ([domains] if isinstance(domains, str) else domains)
        if named and of_kind and (area is None or entity.area_id == area.area_id):
            state, place = household.state_of(entity), household.layout.area_of(entity)
            attributes = {k: v for k, v in state.attributes.items() if k in SHOWN_ATTRIBUTES}
            rows.append(
                {"names": ", ".join(entity.names), "domain": entity.domain, "state": state.value}
                | ({"areas": ", ".join(place.names)} if place else {})
                | ({"attributes": {key: str(value) for key, value in attributes.items()}} if attributes else {})
            )
    head = "Live Context: An overview of the areas and the devices in this smart home:\n"
    return head + yaml.safe_dump(rows, allow_unicode=True, sort_keys=False)


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
