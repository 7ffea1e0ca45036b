"""Where the house is controlled: Home Assistant, or a file that names what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, AnyHttpUrl, Field, SecretStr, model_validator

from .section import Section


def _bare_origin(url: AnyHttpUrl) -> AnyHttpUrl:
    if url.username or url.password:
        raise ValueError("no user or password belongs into the URL: give `token`")
    if url.query or url.fragment or (url.path or "/") != "/":
        raise ValueError("give Home Assistant's address only, such as http://homeassistant.local:8123")
    return url


class HomeAssistantSettings(Section):
    """The Home Assistant whose house the conversation server controls."""

    url: Annotated[AnyHttpUrl, AfterValidator(_bare_origin)] | None = None
    """Address of Home Assistant, e.g. http://homeassistant.local:8123. Without it, or without a token, commands are
    handed back as intents, which Home Assistant carries out itself."""
    token: SecretStr | None = None
    """Long-lived access token of an administrator (Home Assistant: profile, security). Better kept in the environment
    or a systemd credential."""
    verify_tls: bool = True
    """Whether the certificate of an https address is checked; false only for one you signed yourself."""
    refresh_s: float = Field(default=300, ge=5, le=86_400)
    """Seconds after which names, areas and tools are read again, beside what Home Assistant reports at once."""
    timeout_s: float = Field(default=10, gt=0, le=60)
    """Seconds one call to Home Assistant may take."""
    household: Path | None = None
    """YAML file that names areas and devices, for a house without a token (docs/home-assistant.md)."""

    @property
    def is_configured(self) -> bool:
        """Whether there is a house to control at all."""
        return self.url is not None or self.household is not None

    @model_validator(mode="after")
    def _token_has_an_address(self) -> Self:
        if self.token is not None and self.url is None:
            raise ValueError("token is given without url: where is Home Assistant?")
        if self.token is not None and self.household is not None:
            raise ValueError("household is for a house without a token: Home Assistant itself names what there is")
        return self
