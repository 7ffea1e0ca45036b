"""The MQTT broker that automations listen to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from .section import Port, Section

Topic = Annotated[str, Field(pattern=r"^[^/#+\x00][^#+\x00]{0,62}[^/#+\x00]$|^[^/#+\x00]$")]
"""A topic, or the first part of one: no wildcards, no slash at its ends."""

_PORT, _TLS_PORT = 1883, 8883


class MqttSettings(Section):
    """Where state and events go, and where commands come from. Off until there is a `host`."""

    host: str | None = Field(default=None, min_length=1, max_length=253)
    """Name or address of the broker, e.g. the one of Home Assistant's Mosquitto app. Without it there is no MQTT."""
    port: Port | None = None
    """Its port; 1883, or 8883 with TLS."""
    username: str | None = Field(default=None, min_length=1, max_length=255)
    """User at the broker."""
    password: SecretStr | None = None
    """Its password. Better kept in the environment or a systemd credential (`avatar.mqtt.password`)."""
    tls: bool = False
    """Whether the connection is encrypted."""
    ca_file: Path | None = None
    """Certificates (PEM) that the broker's must come from; the system's own without it. For TLS only."""
    base_topic: Topic = "avatar"
    """First part of every topic of ours. Two appliances at one broker need different ones."""
    discovery_prefix: Topic | None = "homeassistant"
    """Where Home Assistant looks for devices; `null`: it is told nothing."""
    publish_text: bool = False
    """Whether events of turns carry what was said and answered: everybody who may read the broker reads it, too."""

    @property
    def effective_port(self) -> int:
        """The port, given or by default."""
        return self.port or (_TLS_PORT if self.tls else _PORT)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        given = (self.username, self.password, self.port, self.ca_file, self.tls or None)
        if self.host is None and any(value is not None for value in given):
            raise ValueError("`host` is missing: where is the broker?")
        if self.password is not None and self.username is None:
            raise ValueError("password is given without username")
        if self.ca_file is not None and not self.tls:
            raise ValueError("ca_file is for TLS: set `tls: true`, too")
        return self
