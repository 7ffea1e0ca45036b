"""Errors of the house: Home Assistant is away, refuses, or cannot do what was asked."""

from __future__ import annotations

from avatar_appliance.errors import AvatarError, ConfigError


class HomeAssistantAway(AvatarError):
    """Home Assistant cannot be reached, or is still starting."""

    code = "home-assistant-away"
    default_hint = "Check `home_assistant.url`; the connection comes back by itself once Home Assistant answers."
    http_status = 503
    retryable = True


class HomeAssistantTimeout(HomeAssistantAway):
    """Home Assistant took the request and did not answer in time; whether it was carried out is not known."""

    code = "home-assistant-timeout"
    default_hint = "Look at the device and Home Assistant's log; `home_assistant.timeout_s` is the limit."
    http_status = 504


class HomeAssistantRefused(AvatarError):
    """Home Assistant does not accept the token, or its user may not do this."""

    code = "home-assistant-refused"
    default_hint = "Make a new long-lived token as an administrator in Home Assistant and set `home_assistant.token`."
    http_status = 502


class McpServerMissing(AvatarError):
    """Home Assistant has no MCP server, so the language model has no tools."""

    code = "home-assistant-mcp-missing"
    default_hint = 'Add the integration "Model Context Protocol Server" in Home Assistant (Devices & services).'
    http_status = 503


class ToolUnknown(AvatarError):
    """Home Assistant offers no tool of that name (any more)."""

    code = "tool-unknown"
    default_hint = "Tools depend on what is exposed to assistants in Home Assistant (Voice assistants, Expose)."
    http_status = 404


class HouseholdFileInvalid(ConfigError):
    """The household file cannot be used; the text names file and place."""

    code = "household-file-invalid"
    default_hint = "docs/home-assistant.md shows what the file looks like."
