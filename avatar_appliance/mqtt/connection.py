"""One connection to the broker, with its errors in our words."""

from __future__ import annotations

import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Iterator

import aiomqtt

from avatar_appliance.config.mqtt import MqttSettings

from .errors import BrokerRefused, BrokerUnavailable
from .topics import Topics

TIMEOUT_S = 10.0
KEEPALIVE_S = 30
MAX_QUEUED = 256
"""Messages waiting to leave, and commands waiting to be carried out."""
OFFLINE, ONLINE = "offline", "online"
# It warns of every message that it drops when a queue is full: a flood would fill our log, too.
_LIBRARY_LOGGER = logging.getLogger(f"{__name__}.library")
_LIBRARY_LOGGER.setLevel(logging.ERROR)
# MQTT 3.1.1, CONNACK: bad user name or password, not authorized. MQTT 5: the same two.
_REFUSED = frozenset({4, 5, 134, 135})


@contextlib.asynccontextmanager
async def connected(settings: MqttSettings, topics: Topics, *, will: bool = True) -> AsyncIterator[aiomqtt.Client]:
    """Connect to the broker of `settings`, whose `host` is given; raises BrokerRefused and BrokerUnavailable.

    With `will` the broker says `offline` for us when the connection breaks.
    """
    last_word = aiomqtt.Will(topics.availability, OFFLINE, qos=1, retain=True) if will else None
    with translated(settings):
        async with aiomqtt.Client(
            settings.host or "",
            settings.effective_port,
            username=settings.username,
            password=settings.password.get_secret_value() if settings.password else None,
            # 3.1.1: every broker speaks it, and nothing that is sent here needs more (docs/decisions/0022).
            protocol=aiomqtt.ProtocolVersion.V311,
            will=last_word,
            timeout=TIMEOUT_S,
            keepalive=KEEPALIVE_S,
            max_queued_incoming_messages=MAX_QUEUED,
            max_queued_outgoing_messages=MAX_QUEUED,
            tls_context=_tls(settings),
            logger=_LIBRARY_LOGGER,
        ) as client:
            yield client


@contextlib.contextmanager
def translated(settings: MqttSettings) -> Iterator[None]:
    """Raise BrokerRefused or BrokerUnavailable for what the library raises."""
    where = f"{settings.host} port {settings.effective_port}"
    try:
        yield
    except aiomqtt.MqttCodeError as error:
        code = error.rc if isinstance(error.rc, int) else getattr(error.rc, "value", None)
        if code in _REFUSED:
            raise BrokerRefused(f"the MQTT broker at {where} does not let us in: {error}") from None
        raise BrokerUnavailable(f"the MQTT broker at {where}: {error}") from None
    except aiomqtt.MqttError as error:
        if isinstance(error.__context__, ssl.SSLError):  # the library tells it as any other failed connection
            raise BrokerRefused(
                f"no TLS with the MQTT broker at {where}: {error}",
                hint="Check `mqtt.ca_file`, that `mqtt.host` is in the certificate, and that `mqtt.port` speaks TLS.",
            ) from None
        raise BrokerUnavailable(f"the MQTT broker at {where}: {str(error) or 'the connection broke'}") from None


def _tls(settings: MqttSettings) -> ssl.SSLContext | None:
    if not settings.tls:
        return None
    try:
        return ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
    except OSError as error:  # an SSLError, too: the file holds no certificate
        raise BrokerRefused(
            f"{settings.ca_file} cannot be used: {error.strerror or error}", hint="Check `mqtt.ca_file`."
        ) from None
