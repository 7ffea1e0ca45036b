"""Discovery: Home Assistant finds the three Wyoming servers by multicast DNS (DNS-SD)."""

from __future__ import annotations

from .announcement import SERVICE_TYPE, ServiceAnnouncement
from .announcer import Announcer, Timing
from .browser import FoundService, browse
from .errors import AnnouncementInvalid, DiscoveryUnavailable
from .identity import MachineIdentity, load_machine_identity
from .interfaces import InterfaceAddress, NetworkInterface, list_interfaces
from .network import Network
from .selection import Policy
from .status import AnnouncedService, DiscoveryStatus, IgnoredInterface, Notice

__all__ = [
    "SERVICE_TYPE",
    "AnnouncedService",
    "AnnouncementInvalid",
    "Announcer",
    "DiscoveryStatus",
    "DiscoveryUnavailable",
    "FoundService",
    "IgnoredInterface",
    "InterfaceAddress",
    "MachineIdentity",
    "Network",
    "NetworkInterface",
    "Notice",
    "Policy",
    "ServiceAnnouncement",
    "Timing",
    "browse",
    "list_interfaces",
    "load_machine_identity",
]
