"""What can go wrong with the broker.

AvatarError
+-- BrokerUnavailable       the broker cannot be reached, or the connection to it broke
+-- BrokerRefused           the broker does not let us in
BadRequest
+-- MqttPayloadInvalid      a command's payload is none we know
"""

from __future__ import annotations

from avatar_appliance.errors import AvatarError, BadRequest


class BrokerUnavailable(AvatarError):
    """The MQTT broker cannot be reached, or the connection to it broke; it is tried again and again."""

    code = "mqtt-broker-unavailable"
    default_hint = "Check `mqtt.host`, `mqtt.port` and `mqtt.tls`, and whether the broker runs."
    http_status = 503
    retryable = True


class BrokerRefused(AvatarError):
    """The MQTT broker does not accept user, password or certificate."""

    code = "mqtt-broker-refused"
    default_hint = (
        "Check `mqtt.username` and the password; Home Assistant's Mosquitto takes the users of Home Assistant."
    )
    http_status = 502


class MqttPayloadInvalid(BadRequest):
    """The payload of a command over MQTT is none that its topic knows."""

    code = "mqtt-payload-invalid"
    default_hint = "docs/mqtt.md lists the topics and what they take."
