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

NEEDED = ("mmdebstrap", "systemd-nspawn", "nft", "ssh-keygen", "ssh")


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A bare machine; AVATAR_PROVISION_SUITE=trixie takes Debian 13 instead of 12."""
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if os.getuid() != 0 or missing:
        pytest.fail(f"needs root and {', '.join(NEEDED)} (apt: mmdebstrap systemd-container nftables openssh-client)")
    with Network() as network:
        machine = Machine("house", 20, network, os.environ.get("AVATAR_PROVISION_SUITE", "bookworm"))
        try:
            machine.start()
            yield machine
        finally:
            machine.destroy()


@pytest.fixture(scope="module")
def playbook(machine: Machine) -> Playbook:
    """The playbooks, for that machine."""
    return Playbook(machine, copy_of_the_checkout(machine.folder / "checkout"))
