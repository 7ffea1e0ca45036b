"""Home Assistant's intent API: carries out an intent and says what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from wyoming_servers.house.asker import Asker
from wyoming_servers.house.errors import HomeAssistantAway, HomeAssistantRefused, HomeAssistantTimeout

from .address import HomeAssistantAddress
from .registries import ASSISTANT


class IntentApiMissing(HomeAssistantAway):
    """This Home Assistant runs without its `intent` integration."""


class IntentApi:
    """`POST /api/intent/handle`.

    It is asked as the conversation assistant, so Home Assistant lets it touch exposed entities only.
    """

    def __init__(self, address: HomeAssistantAddress) -> None:
        self._address = address
        self._http = httpx.AsyncClient(
            headers=address.headers,
            timeout=httpx.Timeout(address.timeout_s),
            verify=address.tls() or True,
            trust_env=False,
            follow_redirects=False,
        )

    async def handle(self, intent: str, slots: Mapping[str, Any], asker: Asker) -> dict[str, Any]:
        """Return the intent response; raise HomeAssistantAway, -Timeout or -Refused."""
        body = {"name": intent, "data": dict(slots), "language": asker.language, "assistant": ASSISTANT}
        if asker.device_id:
            body["device_id"] = asker.device_id
        if asker.satellite_id:
            body["satellite_id"] = asker.satellite_id
        try:
            async with asyncio.timeout(self._address.timeout_s):
                response = await self._http.post(self._address.intents, json=body)
        except (TimeoutError, httpx.TimeoutException):
            raise HomeAssistantTimeout(f"no answer within {self._address.timeout_s:g} s") from None
        except httpx.HTTPError as error:
            raise HomeAssistantAway(f"the intent could not be sent ({type(error).__name__})") from None
        if response.status_code in (401, 403):
            raise HomeAssistantRefused("Home Assistant does not accept the token")
        if response.status_code == 404:
            raise IntentApiMissing("Home Assistant has no intent API")
        if response.status_code in (400, 500):  # an intent or a slot it does not know: nothing was carried out
            return {"response_type": "error", "data": {"code": "failed_to_handle"}}
        if response.status_code >= 300:
            raise HomeAssistantAway(f"Home Assistant answered {response.status_code} to an intent")
        try:
            answer = response.json()
        except ValueError:
            raise HomeAssistantAway("Home Assistant's answer to an intent is no JSON") from None
        return answer if isinstance(answer, dict) else {}

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()
