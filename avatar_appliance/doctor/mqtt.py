"""Does the MQTT broker let us in?"""

from __future__ import annotations

from avatar_appliance.config import Settings
from avatar_appliance.errors import AvatarError

from .finding import Finding, Severity


async def mqtt(settings: Settings) -> Finding:
    """Connect to the configured broker (`mqtt.host` is given) and leave again; nothing is published."""
    # Only here: most houses have no broker.
    from avatar_appliance.mqtt.connection import connected
    from avatar_appliance.mqtt.topics import Topics

    topics = Topics(settings.mqtt.base_topic, None, "")
    try:
        async with connected(settings.mqtt, topics, will=False):
            pass
    except AvatarError as error:
        return Finding("mqtt", Severity.PROBLEM, error.text, error.hint)
    where = f"{settings.mqtt.host} port {settings.mqtt.effective_port}"
    return Finding("mqtt", Severity.FINE, f"the broker at {where} lets us in")
