"""Home Assistant's Assist tools, over its MCP server."""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from avatar_appliance.errors import AvatarError
from wyoming_servers.house.asker import Asker
from wyoming_servers.house.errors import HomeAssistantAway, ToolUnknown
from wyoming_servers.house.quoting import as_tool_data
from wyoming_servers.house.tools import Tool, ToolResult

from .address import HomeAssistantAddress
from .mcp_link import McpLink

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from mcp import Client
    from mcp.types import CallToolResult
    from mcp.types import Tool as McpTool

DEVICE_META = "io.home-assistant/device_id"
"""How a request says which device somebody speaks to: "the lights" are then those of its room."""

MAX_TOOLS = 128
MAX_PAGES = 8
MAX_DESCRIPTION_CHARS = 1000
MAX_RESULT_CHARS = 12_000
# Satellites have lists of their own: only some of them have timers.
MAX_LISTS = 16

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Listing:
    tools: tuple[Tool, ...]
    read_s: float


class McpTools:
    """A Toolbox that reconnects by itself.

    Nothing runs until it is asked; a connection that broke is made anew by the next call.
    """

    def __init__(
        self, address: HomeAssistantAddress, refresh_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = address
        self._refresh_s = refresh_s
        self._clock = clock
        self._link: McpLink | None = None
        self._connecting = asyncio.Lock()
        self._listings: OrderedDict[str | None, _Listing] = OrderedDict()

    async def tools(self, asker: Asker) -> tuple[Tool, ...]:
        """Return the tools for the asker's device; an old list rather than none while Home Assistant is away."""
        key = asker.device_id
        listing = self._listings.get(key)
        if listing is not None and self._clock() - listing.read_s < self._refresh_s:
            self._listings.move_to_end(key)
            return listing.tools
        try:
            tools = await self._list(asker)
        except HomeAssistantAway:
            if listing is None:
                raise
            return listing.tools
        self._listings[key] = _Listing(tools, self._clock())
        self._listings.move_to_end(key)
        while len(self._listings) > MAX_LISTS:
            self._listings.popitem(last=False)
        return tools

    async def call(self, name: str, arguments: Mapping[str, Any], asker: Asker) -> ToolResult:
        """Call a tool; raise ToolUnknown, HomeAssistantAway (also -Timeout), HomeAssistantRefused, McpServerMissing."""
        if name not in {tool.name for tool in await self.tools(asker)}:
            self.forget_tools()
            if name not in {tool.name for tool in await self.tools(asker)}:
                raise ToolUnknown(f"there is no tool {name[:80]!r}")

        async def use(client: Client) -> CallToolResult:
            return await client.call_tool(name, dict(arguments), meta=_meta(asker))

        from mcp import MCPError

        try:
            return _result(await self._request(use))
        except MCPError as error:
            return ToolResult(as_tool_data(f"Error calling tool: {error.message}", MAX_RESULT_CHARS), failed=True)

    def forget_tools(self) -> None:
        """Read the lists again when they are next needed (what is exposed has changed)."""
        self._listings.clear()

    async def close(self) -> None:
        """Close the connection."""
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def _list(self, asker: Asker) -> tuple[Tool, ...]:
        found: list[McpTool] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await self._request(lambda client, at=cursor: client.list_tools(cursor=at, meta=_meta(asker)))  # type: ignore[misc]
            found += page.tools
            cursor = page.next_cursor
            if not cursor:
                break
        return tuple(sorted(map(_tool, found), key=lambda tool: tool.name))[:MAX_TOOLS]

    async def _request(self, use: Callable[[Client], Awaitable[Result]]) -> Result:
        link = await self._connected()
        return await link.call(use)

    async def _connected(self) -> McpLink:
        async with self._connecting:
            if self._link is not None and self._link.is_up:
                return self._link
            await self.close()
            await McpLink.load_library()
            link = McpLink(self._address, self.forget_tools)
            try:
                await link.opened()
            except (AvatarError, asyncio.CancelledError):
                await link.close()
                raise
            self._link = link
            return link


def _meta(asker: Asker) -> Any:
    return {DEVICE_META: asker.device_id} if asker.device_id else None


def _tool(tool: McpTool) -> Tool:
    hints = tool.annotations
    return Tool(
        tool.name,
        (tool.description or "")[:MAX_DESCRIPTION_CHARS],
        tool.input_schema,
        is_read_only=bool(hints and hints.read_only_hint),
    )


def _result(result: CallToolResult) -> ToolResult:
    text = "\n".join(part.text for part in result.content if part.type == "text")
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    return ToolResult(
        as_tool_data(text, MAX_RESULT_CHARS), bool(result.is_error), data if isinstance(data, dict) else {}
    )
