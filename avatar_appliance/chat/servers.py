"""The three servers that a turn goes through."""

from __future__ import annotations

from dataclasses import dataclass

from avatar_appliance.client.endpoint import AnyEndpoint


@dataclass(frozen=True, slots=True)
class Servers:
    """Where they listen: those that Home Assistant talks to."""

    asr: AnyEndpoint
    conversation: AnyEndpoint
    tts: AnyEndpoint
