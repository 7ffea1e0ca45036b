"""A real Mosquitto of the test's own, and a client that listens to everything on it."""

from .broker import Broker
from .listener import Listener

__all__ = ["Broker", "Listener"]
