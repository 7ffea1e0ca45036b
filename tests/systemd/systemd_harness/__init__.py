"""A private bus, and a systemd on it that is a fake but for its processes.

A control plane finds it when it is started with DBUS_SYSTEM_BUS_ADDRESS set to the bus's address. Its processes are
real, hear NOTIFY_SOCKET, and live on when the control plane is killed.
"""

from __future__ import annotations

from .fake_systemd import FakeSystemd
from .fake_unit import FakeUnit, UnitFile
from .private_bus import PrivateBus

__all__ = ["FakeSystemd", "FakeUnit", "PrivateBus", "UnitFile"]
