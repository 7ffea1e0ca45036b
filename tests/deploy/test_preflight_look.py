"""What the preflight looks at, on this machine."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from typing import Any

import pytest
from roles import ANSIBLE

LOOK = ANSIBLE / "roles/preflight/files/look.py"


def look(*ports: int) -> dict[str, Any]:
    if shutil.which("ss") is None:
        pytest.skip("needs ss (iproute2)")
    done = subprocess.run([sys.executable, LOOK, *map(str, ports)], capture_output=True, text=True, check=True)
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_it_tells_what_the_templates_read() -> None:
    from test_templates import SEEN

    assert look().keys() == SEEN.keys()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_is_taken_is_seen(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        port = listener.getsockname()[1]
        assert [each["port"] for each in look(port)["listeners"]] == [port]
    assert look(port)["listeners"] == []


def test_free_space_is_told_in_gigabytes_also_of_folders_to_come() -> None:
    assert all(0 < free < 1e6 for free in look()["free_gb"].values())
