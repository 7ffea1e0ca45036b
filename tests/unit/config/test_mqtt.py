"""The section of the MQTT broker."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from avatar_appliance.config.mqtt import MqttSettings


def test_there_is_no_broker_until_one_is_named() -> None:
    assert MqttSettings().host is None


@pytest.mark.parametrize(("tls", "port", "effective"), [(False, None, 1883), (True, None, 8883), (True, 1234, 1234)])
def test_the_port_follows_the_encryption(tls: bool, port: int | None, effective: int) -> None:
    assert MqttSettings(host="broker", tls=tls, port=port).effective_port == effective


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"username": "avatar"}, "`host` is missing"),
        ({"host": "broker", "password": "x"}, "password is given without username"),
        ({"host": "broker", "ca_file": "/etc/ca.pem"}, "ca_file is for TLS"),
        ({"host": "broker", "base_topic": "avatar/#"}, "base_topic"),
        ({"host": "broker", "base_topic": "/avatar"}, "base_topic"),
        ({"host": "broker", "qos": 2}, "qos"),
    ],
)
def test_what_does_not_fit_together_is_refused(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        MqttSettings(**values)


def test_the_password_is_never_shown() -> None:
    assert "secret-word" not in repr(MqttSettings(host="broker", username="a", password="secret-word"))  # type: ignore[arg-type]
