"""The sentences discovery says to the owner; the panel translates by code (docs/troubleshooting)."""

from __future__ import annotations

from collections.abc import Sequence

from .interfaces import IPAddress
from .status import IgnoredInterface, Notice

_BY_HAND = "Or give Home Assistant host and port by hand: Add integration, Wyoming Protocol."

NOT_STARTED = Notice("not-started", "Discovery is not running.", "Set `discovery.enabled: true` in config.yaml.")
STARTING = Notice("starting", "The name is being checked on the network; this takes about two seconds.")


def bound_to_loopback(bind: IPAddress) -> Notice:
    """Nobody else can connect to the servers."""
    return Notice(
        "bound-to-loopback",
        f"The servers listen on {bind} only, so no other machine could connect; nothing is announced.",
        "Set `host: 0.0.0.0` in config.yaml, or list the addresses to announce under `discovery.addresses`.",
    )


def bound_to_link_local(bind: IPAddress) -> Notice:
    """Home Assistant skips such addresses."""
    return Notice(
        "bound-to-link-local",
        f"The servers listen on {bind} only, a link-local address, which Home Assistant ignores.",
        "Set `host: 0.0.0.0` in config.yaml.",
    )


def address_absent(bind: IPAddress) -> Notice:
    """The one address the servers were told to use is not here."""
    return Notice(
        "address-absent",
        f"The servers are configured for {bind}, which this machine does not have at this moment.",
        "Plug in the network, or correct `host` in config.yaml. It is announced as soon as it is there.",
    )


def no_network(ignored: Sequence[IgnoredInterface], *, other_family: bool) -> Notice:
    """There is no interface to announce on."""
    seen = "; ".join(f"{interface.name}: {interface.why}" for interface in ignored) or "there is none but loopback"
    hint = "It is announced as soon as there is one; `discovery.interfaces` can name another."
    if other_family:
        hint += " The network has IPv6 only: set `host: '::'`."
    return Notice("no-network", f"No network interface can be used ({seen}).", f"{hint} {_BY_HAND}")


def multicast_failed(cause: str) -> Notice:
    """Zeroconf itself failed."""
    return Notice(
        "multicast-failed",
        f"Multicast DNS does not work on this machine: {cause}.",
        "Is UDP port 5353 held by another program (avahi-daemon with disallow-other-stacks=yes)? Does a "
        f"firewall or sandbox forbid multicast? It is tried again by itself. {_BY_HAND}",
    )


def name_taken(wanted: str, used: str) -> Notice:
    """Another machine announces our name."""
    return Notice(
        "name-taken",
        f"Another machine announces {wanted!r}; this one is announced as {used!r}.",
        "Two appliances from one disk image share their machine-id: on one of them, empty /etc/machine-id "
        "and run `systemd-machine-id-setup`. Otherwise an appliance runs twice.",
    )


def no_free_name(wanted: str, attempts: int) -> Notice:
    """Every name we would take is taken."""
    return Notice(
        "no-free-name",
        f"{wanted!r} and its {attempts - 1} alternatives are all announced by other machines.",
        "Give the house another `house.name` in config.yaml.",
    )


def address_leased(ip: IPAddress, interface: str) -> Notice:
    """Home Assistant will not follow when the lease changes."""
    return Notice(
        "address-leased",
        f"{ip} ({interface}) comes from DHCP and may change; Home Assistant keeps the address it saw first.",
        "Reserve the address for this machine in your router.",
    )


def never_usable(ip: IPAddress) -> Notice:
    """0.0.0.0 is no address."""
    return Notice(
        "address-unspecified",
        f"`discovery.addresses` holds {ip}, which is no address to connect to; it is left out.",
        "Remove it; without `discovery.addresses` the machine's own addresses are announced.",
    )


def skipped_link_local(ip: IPAddress) -> Notice:
    """Home Assistant skips such addresses."""
    return Notice(
        "address-link-local",
        f"`discovery.addresses` holds {ip}, a link-local address, which Home Assistant ignores.",
        "List an address that does not begin with 169.254. or fe80:.",
    )
