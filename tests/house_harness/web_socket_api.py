"""The WebSocket API of the test house: log-in, registries, exposure, states and their changes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from wyoming_servers.house.entity import EntityState

from .faults import Faults
from .house_state import HouseState


class WebSocketApi:
    """One instance serves all connections."""

    def __init__(self, house: HouseState, faults: Faults) -> None:
        self._house = house
        self._faults = faults
        self._sockets: set[WebSocket] = set()
        self._registry_listeners: list[tuple[asyncio.Queue[Any], int, str]] = []
        self.commands: list[str] = []
        self.hidden: set[str] = set()
        """Entities that are not exposed."""

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection."""
        await socket.accept()
        if self._faults.silent_socket:
            await self._faults.released.wait()
            return
        await socket.send_json({"type": "auth_required", "ha_version": "2026.11.0"})
        try:
            login = await socket.receive_json()
            if login.get("access_token") not in self._faults.tokens:
                await socket.send_json({"type": "auth_invalid", "message": "Invalid access token or password"})
                await socket.close()
                return
            await socket.send_json({"type": "auth_ok", "ha_version": "2026.11.0"})
            await self._talk(socket)
        except (WebSocketDisconnect, RuntimeError):
            pass  # the client went away in the middle

    async def hang_up(self) -> None:
        """Close every connection, as a restart or a revoked token does."""
        for socket in list(self._sockets):
            with contextlib.suppress(RuntimeError):
                await socket.close()

    def announce(self, event_type: str) -> None:
        """Tell listeners that a registry changed."""
        for outbox, number, wanted in self._registry_listeners:
            if wanted == event_type:
                outbox.put_nowait({"id": number, "type": "event", "event": {"event_type": event_type}})

    async def _talk(self, socket: WebSocket) -> None:
        outbox: asyncio.Queue[Any] = asyncio.Queue()
        watchers: dict[int, Any] = {}

        async def write() -> None:
            while True:
                await socket.send_json(await outbox.get())

        writer = asyncio.create_task(write())
        self._sockets.add(socket)
        try:
            while True:
                self._answer(await socket.receive_json(), outbox, watchers)
        finally:
            self._sockets.discard(socket)
            self._registry_listeners = [entry for entry in self._registry_listeners if entry[0] is not outbox]
            for watcher in watchers.values():
                if watcher in self._house.watchers:
                    self._house.watchers.remove(watcher)
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError, RuntimeError, WebSocketDisconnect):
                await writer

    def _answer(self, message: Mapping[str, Any], outbox: asyncio.Queue[Any], watchers: dict[int, Any]) -> None:
        number, command = message["id"], message["type"]
        self.commands.append(command)
        layout = self._house.household.layout
        if command == "homeassistant/expose_entity/list" and not self._faults.is_administrator:
            error = {"code": "unauthorized", "message": "Unauthorized"}
            outbox.put_nowait({"id": number, "type": "result", "success": False, "error": error})
            return
        result: Any = None
        if command == "homeassistant/expose_entity/list":
            shown = [e.entity_id for e in layout.entities if e.entity_id not in self.hidden]
            result = {"exposed_entities": {entity_id: {"conversation": True} for entity_id in shown}}
        elif command == "config/floor_registry/list":
            result = [{"floor_id": f.floor_id, "name": f.name, "aliases": list(f.aliases)} for f in layout.floors]
        elif command == "config/area_registry/list":
            result = [
                {"area_id": a.area_id, "name": a.name, "aliases": list(a.aliases), "floor_id": a.floor_id}
                for a in layout.areas
            ]
        elif command == "config/device_registry/list":
            result = [{"id": key, "area_id": area} for key, area in layout.device_areas.items()]
        elif command == "config/entity_registry/list":
            result = [{"entity_id": key, "area_id": area} for key, area in layout.satellite_areas.items()]
        elif command == "config/entity_registry/get_entries":
            result = {key: self._entry(key) for key in message["entity_ids"]}
        outbox.put_nowait({"id": number, "type": "result", "success": True, "result": result})
        if command == "subscribe_events":
            self._registry_listeners.append((outbox, number, message["event_type"]))
        elif command == "subscribe_entities":
            watchers[number] = self._watch(number, set(message["entity_ids"]), outbox)
        elif command == "unsubscribe_events" and (watcher := watchers.pop(message["subscription"], None)):
            self._house.watchers.remove(watcher)

    def _entry(self, entity_id: str) -> dict[str, Any]:
        entity = self._house.household.layout.entities_by_id[entity_id]
        return {
            "entity_id": entity_id,
            "area_id": entity.area_id,
            "device_id": None,
            "aliases": [None, *entity.aliases],
            "disabled_by": None,
            "hidden_by": None,
            "name": None,
            "original_name": entity.name,
        }

    def _watch(self, number: int, entity_ids: set[str], outbox: asyncio.Queue[Any]) -> Any:
        states = self._house.household.states
        entity_ids = entity_ids or set(states)  # Home Assistant takes no ids for all ids
        first = {key: _compressed(state) for key, state in states.items() if key in entity_ids}
        outbox.put_nowait({"id": number, "type": "event", "event": {"a": first}})

        def tell(changed: dict[str, EntityState | None]) -> None:
            difference = {
                key: {"+": {"s": state.value, "a": dict(state.attributes)}}
                for key, state in changed.items()
                if state is not None and key in entity_ids
            }
            gone = [key for key, state in changed.items() if state is None and key in entity_ids]
            event = {**({"c": difference} if difference else {}), **({"r": gone} if gone else {})}
            if event:
                outbox.put_nowait({"id": number, "type": "event", "event": event})

        self._house.watchers.append(tell)
        return tell


def _compressed(state: EntityState) -> dict[str, Any]:
    return {"s": state.value, "a": dict(state.attributes), "c": "context", "lc": 0.0}
