"""One bridge for all machines, with a way out to the package sources."""

from __future__ import annotations

import contextlib
import fcntl
import json
from pathlib import Path

from .shell import ProgramFailed, run

BRIDGE = "br-avatar"
SUBNET = "10.213.78"
_TABLE = "avatar_provision"
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_LOCK = Path("/run/avatar-provision.lock")


class Network:
    """Up while the tests run; what was changed on this machine is put back. One at a time on a machine."""

    def __enter__(self) -> Network:
        self._lock = _LOCK.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: another run is under way
        self._take_down()  # what a killed run left
        [route, *_] = json.loads(run("ip", "-json", "-4", "route", "show", "default"))
        self.mtu = int(Path(f"/sys/class/net/{route['dev']}/mtu").read_text())
        run("ip", "link", "add", BRIDGE, "mtu", str(self.mtu), "type", "bridge", "mcast_snooping", "0")
        run("ip", "link", "set", BRIDGE, "up")
        run("ip", "address", "add", f"{SUBNET}.1/24", "dev", BRIDGE)
        self._forwarding = _FORWARDING.read_text()
        _FORWARDING.write_text("1")
        rule = f"ip saddr {SUBNET}.0/24 oifname {route['dev']} masquerade"
        run("nft", f"table ip {_TABLE} {{ chain out {{ type nat hook postrouting priority srcnat; {rule}; }}; }}")
        return self

    def __exit__(self, *_: object) -> None:
        self._take_down()
        _FORWARDING.write_text(self._forwarding)
        self._lock.close()

    def _take_down(self) -> None:
        for undo in (("nft", "delete", "table", "ip", _TABLE), ("ip", "link", "delete", BRIDGE)):
            with contextlib.suppress(ProgramFailed):
                run(*undo)

    def name_servers(self) -> str:
        """Return a resolv.conf that works from a machine: not the loopback address of a resolver on this one."""
        stub = Path("/run/systemd/resolve/resolv.conf")
        return (stub if stub.exists() else Path("/etc/resolv.conf")).read_text()
