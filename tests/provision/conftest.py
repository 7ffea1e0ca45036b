"""One machine for the whole module: the tests are the story of its life, in the order of the file."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `provision_harness`

from provision_harness import Machine, Playbook, copy_of_the_checkout
from provision_harness.network import Network

SUITES = {"debian-12": "bookworm", "debian-13": "trixie"}
NEEDED = ("mmdebstrap", "systemd-nspawn", "nft", "ssh-keygen", "ssh")


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """A cable between the machines."""
    box = os.environ.get("AVATAR_BOX", "debian-12")
    if box not in SUITES:
        pytest.fail(f"AVATAR_BOX is {box!r}; there are {', '.join(SUITES)}")
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if os.getuid() != 0 or missing:
        pytest.fail(f"needs root and {', '.join(NEEDED)} (apt: mmdebstrap systemd-container nftables openssh-client)")
    with Network() as cable:
        yield cable


@pytest.fixture(scope="module")
def machine(network: Network) -> Iterator[Machine]:
    """A bare machine; AVATAR_BOX=debian-13 takes Debian 13 instead of 12."""
    yield from _running(Machine("house", 20, network, _suite()))


@pytest.fixture
def second(network: Network) -> Iterator[Machine]:
    """Another bare machine."""
    yield from _running(Machine("second", 21, network, _suite()))


def _suite() -> str:
    return SUITES[os.environ.get("AVATAR_BOX", "debian-12")]


def _running(machine: Machine) -> Iterator[Machine]:
    try:
        machine.start()
        yield machine
    finally:
        machine.destroy()


@pytest.fixture(scope="module")
def playbook(machine: Machine) -> Playbook:
    """The playbooks, for that machine."""
    return Playbook(machine, copy_of_the_checkout(machine.folder / "checkout"))
