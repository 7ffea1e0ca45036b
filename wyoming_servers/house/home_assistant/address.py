"""The addresses of one Home Assistant, and how its certificate is checked."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Self

from avatar_appliance.config.home_assistant import HomeAssistantSettings
from avatar_appliance.errors import ConfigError


@dataclass(frozen=True, slots=True)
class HomeAssistantAddress:
    """Origin and token; the token is in no text and no repr."""

    origin: str
    token: str = field(repr=False)
    verify_tls: bool = True
    timeout_s: float = 10

    @classmethod
    def from_settings(cls, settings: HomeAssistantSettings) -> Self:
        """Return the address; raise ConfigError where url or token is missing."""
        if settings.url is None or settings.token is None:
            raise ConfigError("home_assistant: url and token are needed to talk to Home Assistant")
        origin = str(settings.url).rstrip("/")
        return cls(origin, settings.token.get_secret_value().strip(), settings.verify_tls, settings.timeout_s)

    @property
    def web_socket(self) -> str:
        """URL of the WebSocket API."""
        return f"ws{self.origin.removeprefix('http')}/api/websocket"

    @property
    def mcp(self) -> str:
        """URL of the MCP server's Assist API."""
        return f"{self.origin}/api/mcp/assist"

    @property
    def intents(self) -> str:
        """URL that carries out an intent."""
        return f"{self.origin}/api/intent/handle"

    @property
    def headers(self) -> dict[str, str]:
        """The bearer token."""
        return {"Authorization": f"Bearer {self.token}"}

    def tls(self) -> ssl.SSLContext | None:
        """Return how to check the certificate; None for plain HTTP."""
        if not self.origin.startswith("https:"):
            return None
        context = ssl.create_default_context()
        if not self.verify_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
